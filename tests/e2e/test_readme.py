"""The README's commands, typed as they stand there."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.running import EDGEWISE, Api
from tests.edge.running import RunningAgent
from tests.patience import PATIENCE

README = Path(__file__).parents[2] / "README.md"


def commands() -> list[str]:
    """The `edgewise …` lines of the section “Use it”, without their comments."""
    section = README.read_text().split("## Use it")[1]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block is not None
    lines = [line.split("  #")[0].strip() for line in block[1].splitlines()]
    return [line for line in lines if line.startswith("edgewise ")]


@pytest.mark.slow
def test_every_command_of_the_readme_does_what_it_says(
    platform: Api, digits_folder: Path, tmp_path: Path
) -> None:
    shutil.copy(digits_folder / "digits.onnx", tmp_path / "digits.onnx")
    shutil.copy(digits_folder / "digits-evaluation.npz", tmp_path / "evaluation.npz")
    environment = {
        **os.environ,
        "PATH": f"{EDGEWISE.parent}:{os.environ['PATH']}",
        "EDGEWISE_SERVER": platform.url,
        "EDGEWISE_TOKEN": platform.token,
        "HOME": str(tmp_path),
    }
    assert len(commands()) > 6
    agent = RunningAgent(tmp_path / "kiosk")
    try:
        _join(platform, agent, "kiosk-1")
        _type(tmp_path, environment)
    finally:
        agent.kill()
    assert (tmp_path / "model.onnx").stat().st_size > 1000


def _type(folder: Path, environment: dict[str, str]) -> None:
    for command in commands():
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def _join(platform: Api, agent: RunningAgent, name: str) -> None:
    """The device that the README names."""
    agent.home.mkdir()
    (claim,) = platform.change(
        "mutation { deviceClaimsIssue(count: 1) { claims { code } userErrors { message } } }"
    )["claims"]
    agent.join(claim["code"], platform.url)
    agent.start()
    agent.online()
    (device,) = platform.run("{ devices(first: 1) { nodes { id } } }")["devices"]["nodes"]
    platform.change(
        """mutation($id: ID!, $name: String!) { deviceDescribe(deviceId: $id, name: $name) {
             userErrors { message } } }""",
        id=device["id"], name=name,
    )  # fmt: skip
