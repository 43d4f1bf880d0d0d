"""A private Mosquitto from the PATH, with the configuration of deploy/mosquitto: devices come in
over mTLS from wherever its address is reached, the platform's gateway on the loopback address.

It keeps sessions through a restart, in `data` of its folder. When the process that started it is
killed it goes on, and the next `start` takes it over, unless its configuration is another by then.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from infrastructure.mqtt.address import BrokerAddress
from infrastructure.mqtt.trust_folder import TrustFolder
from infrastructure.private_file import replace

START_SECONDS = 60.0
STOP_SECONDS = 30.0
FILES = Path(__file__).parents[2] / "deploy" / "mosquitto"
_PLACES = (os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")


class MosquittoUnavailable(RuntimeError):
    """Mosquitto is missing or did not start; the message says why and the remedy."""


def find_mosquitto() -> Path:
    """Raises MosquittoUnavailable."""
    found = shutil.which("mosquitto", path=os.pathsep.join(_PLACES))
    if found is None:
        raise MosquittoUnavailable(
            "There is no mosquitto on the PATH. Install it (Debian and Ubuntu: apt install "
            "mosquitto; Fedora: dnf install mosquitto; macOS: brew install mosquitto), or use a "
            "broker of your own with MQTT_URL."
        )
    said = subprocess.run([found, "-h"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"mosquitto version (\d+)\.(\d+)", said)
    if version is None or (version[1], version[2]) != ("2", "0"):
        raise MosquittoUnavailable(
            f"{found} is {said.splitlines()[0] if said else 'no Mosquitto'}, and this needs 2.0: "
            "version 2.1 refuses the names of devices, which hold a slash. Install 2.0, or run "
            "the container of docker-compose.yml."
        )
    return Path(found)


class EmbeddedMosquitto:
    """One Mosquitto in one folder. `devices` and `gateway` are its listeners; the trust folder has
    to be published before it starts."""

    def __init__(
        self, folder: Path, trust: TrustFolder, devices: BrokerAddress, gateway: BrokerAddress
    ) -> None:
        self._folder, self._trust = folder, trust
        self.devices, self.gateway = devices, gateway
        self._process: psutil.Process | None = None

    @property
    def pid(self) -> int | None:
        """None when it does not run."""
        return self._process.pid if self._process is not None and _runs(self._process) else None

    def start(self) -> None:
        """Starts it or takes it over, and returns once it listens; does nothing when it runs.

        Raises MosquittoUnavailable."""
        if self.pid is not None:
            return
        self._process = self._left_running()
        if self.write_configuration():
            self.stop()
        if self._process is None:
            self._launch()
        else:
            self.reload()  # what it trusts may have changed
        deadline = time.monotonic() + START_SECONDS
        while not self._listens():
            if not _runs(self._process) or time.monotonic() > deadline:
                self.stop()
                end = (self._folder / "log").read_text(errors="replace")[-2000:]
                raise MosquittoUnavailable(f"Mosquitto did not start:\n{end}")
            time.sleep(0.02)

    def reload(self) -> None:
        """Has it read anew who is revoked, and its own certificate."""
        if self._process is not None and self.pid is not None:
            self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Ends it, with its sessions written down; does nothing when it does not run."""
        process, self._process = self._process, None
        if process is None or not _runs(process):
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait()

    def _launch(self) -> None:
        program = find_mosquitto()
        with (self._folder / "log").open("ab") as log:
            self._process = psutil.Popen(
                [program, "-c", self._folder / "mosquitto.conf"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for our process, which then ends this one when it is done.
                start_new_session=True,
            )
        identity = f"{self._process.pid} {self._process.create_time()}"
        replace(self._folder / "pid", identity.encode())

    def _left_running(self) -> psutil.Process | None:
        try:
            pid, _, started = (self._folder / "pid").read_text().partition(" ")
            found = psutil.Process(int(pid))
            return found if _runs(found) and str(found.create_time()) == started else None
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None

    def write_configuration(self) -> bool:
        """Writes what is in deploy/mosquitto into our folder, with our paths and listeners; says
        whether anything is another than before."""
        (self._folder / "data").mkdir(parents=True, exist_ok=True, mode=0o700)
        wanted = {"mosquitto.conf": self._own_paths((FILES / "mosquitto.conf").read_text())}
        wanted["acl"] = (FILES / "acl").read_text()
        changed = False
        for name, text in wanted.items():
            file = self._folder / name
            if not file.exists() or file.read_text() != text:
                # Mosquitto warns of rules that others may read, and will refuse them one day.
                replace(file, text.encode())
                changed = True
        return changed

    def _own_paths(self, text: str) -> str:
        for there, here in (
            ("/mosquitto/trust", self._trust.folder),
            ("/mosquitto/config", self._folder),
            ("/mosquitto/data/", f"{self._folder / 'data'}/"),
        ):
            text = text.replace(there, str(here))
        for port, own in ((8883, self.devices), (8884, self.gateway)):
            text = text.replace(f"\nlistener {port}\n", f"\nlistener {own.port} {own.host}\n")
        text = text[: text.index("# For the health check alone")]
        # Mosquitto would change to a user that may not read our folder.
        return text + ("user root\n" if os.geteuid() == 0 else "")

    def _listens(self) -> bool:
        return all(map(_listens, (self.devices, self.gateway)))


def _runs(process: psutil.Process | None) -> bool:
    if process is None:
        return False
    if isinstance(process, psutil.Popen):
        return bool(process.poll() is None)  # which reaps it
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _listens(address: BrokerAddress) -> bool:
    host = "127.0.0.1" if address.host == "0.0.0.0" else address.host  # noqa: S104
    try:
        with socket.create_connection((host, address.port), timeout=1):
            return True
    except OSError:
        return False
