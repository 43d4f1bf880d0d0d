"""What is shipped: the wheel has all of the agent and nothing of the server, and the unit is
sound."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edge.version import VERSION
from tests.edge.running import ROOT
from tests.patience import PATIENCE

EDGE = ROOT / "edge"
HATCHLING = Path(sys.executable).with_name("hatchling")
RUNTIMES = ("numpy", "onnxruntime", "ai_edge_litert")


def test_the_wheel_has_every_module_of_the_agent_and_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "edge"
    shutil.copytree(EDGE, source, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [HATCHLING, "build", "-t", "wheel", "-d", tmp_path / "dist"],
        cwd=source, check=True, capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        shipped = {name for name in file.namelist() if ".dist-info/" not in name}
        points = next(name for name in file.namelist() if name.endswith("entry_points.txt"))
        assert "edgewise-edge = edge.cli.main:main" in file.read(points).decode()
    ours = {str(path.relative_to(ROOT)) for path in EDGE.rglob("*.py")}
    assert shipped == ours
    assert VERSION in wheel.name


def test_an_agent_without_a_model_imports_no_runtime() -> None:
    script = (
        "import sys, edge.agent.agent, edge.cli.main;"
        f"print([name for name in {RUNTIMES} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "[]"


def test_systemd_takes_the_unit() -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run(
        [analyze, "verify", EDGE / "deploy" / "edgewise-edge.service"],
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    told = [line for line in done.stderr.splitlines() if "edgewise-edge.service" in line]
    # The program is not installed here: that, and nothing else, may be wrong with it.
    assert all("is not executable" in line for line in told), done.stderr
