"""Firmware goes to the installer that the owner of the device has set: a command, whose last
argument is the file. It runs before the slot is switched, again after a power cut, and at a
rollback with the file of the release before; it must bear being run twice with one file.
"""

import os
import shlex
import subprocess

from edge.update.slots import Slot

SECONDS = 1_800.0


class NotInstalled(RuntimeError):
    """The installer failed; the message is for people."""


def install(command: str, slot: Slot, rolls_back: bool = False) -> None:
    """All firmware in the slot. Raises NotInstalled."""
    for component in slot.manifest.components:
        for file in slot.of(component.name) if component.kind == "FIRMWARE" else ():
            if not command:
                raise NotInstalled("no installer is set: update.firmware_installer")
            environment = {
                "EDGEWISE_COMPONENT": component.name,
                "EDGEWISE_RELEASE": slot.manifest.release,
                "EDGEWISE_ROLLBACK": "1" if rolls_back else "",
            }
            _run([*shlex.split(command), str(slot.path(file))], environment)


def _run(command: list[str], environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS,
            env={**os.environ, **environment}, check=False,
        )  # fmt: skip
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"the firmware's installer failed: {error}") from None
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()[-500:]
        raise NotInstalled(f"the firmware's installer ended with {done.returncode}: {words}")
