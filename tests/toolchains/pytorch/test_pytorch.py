"""PyTorch's exported programs, made into Core ML by coremltools, and never run."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from domain.model_format import ModelFormat
from domain.optimization import OptimizationResult, OptimizationSpec, Outcome, Pass
from infrastructure.engine.core_ml.inspect import inspect_core_ml
from infrastructure.engine.optimizer import SandboxedOptimizer
from infrastructure.engine.torch_export.inspect import inspect_torch_export
from tests.engine.watching import Remembering

pytestmark = pytest.mark.xdist_group("pytorch")
PASSES = (Pass.CONVERT, Pass.FP16, Pass.DYNAMIC_INT8, Pass.PALETTIZE)
SCRIPT = Path(__file__).with_name("export_networks.py")


@pytest.fixture(scope="session")
def networks_made(
    toolchain: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("networks")
    line = [str(toolchain("pytorch")), str(SCRIPT), str(folder)]
    subprocess.run(line, check=True, capture_output=True)
    return folder


@pytest.fixture
def optimized(
    optimizer: SandboxedOptimizer, tmp_path: Path
) -> Callable[..., tuple[OptimizationResult, Path]]:
    def run(source: Path, *passes: Pass, data: Path | None = None):
        into = tmp_path / f"made-{len(list(tmp_path.iterdir()))}"
        spec = OptimizationSpec(passes=passes, target=ModelFormat.CORE_ML)
        return optimizer.optimize(source, spec, data, None, into, Remembering()), into

    return run


def test_an_exported_program_becomes_core_ml_in_each_precision(optimized, networks_made):
    found, into = optimized(networks_made / "rows.pt2", *PASSES)
    told = {one.name: one for one in found.variants}
    assert {one.outcome for one in found.variants} == {Outcome.BUILT}, told
    plain = told["core_ml"]
    assert plain.versions["torch"].startswith("2.")
    assert "has not been run" in plain.reason
    signature = inspect_core_ml(into / plain.file.name)["signature"]
    assert [(one["name"], one["shape"]) for one in signature["inputs"]] == [
        ("picture", [1, 3, 16, 16])
    ]
    assert told["core_ml_fp16"].file.bytes < plain.file.bytes
    assert told["core_ml_dynamic_int8"].file.bytes < plain.file.bytes
    again, _ = optimized(networks_made / "rows.pt2", *PASSES)
    assert [one.file.sha256 for one in again.variants] == [
        one.file.sha256 for one in found.variants
    ]


def test_sizes_that_are_fixed_stay_and_open_ones_are_taken_from_rows(
    optimized, networks_made, tmp_path
):
    found, into = optimized(networks_made / "fixed.pt2", Pass.FP16)
    (fixed,) = inspect_core_ml(into / found.variants[0].file.name)["signature"]["inputs"]
    assert fixed["shape"] == [2, 3, 16, 16]

    source = networks_made / "every.pt2"
    assert inspect_torch_export(source)["signature"]["inputs"][0]["shape"][1] == 3
    found, _ = optimized(source, Pass.FP16)
    assert (found.variants[0].outcome, found.variants[0].code) == (
        Outcome.SKIPPED, "OPEN_DIMENSIONS"
    )  # fmt: skip
    data = tmp_path / "data.npz"
    np.savez(data, picture=np.zeros((4, 3, 24, 20), np.float32))
    found, into = optimized(source, Pass.FP16, data=data)
    (given,) = inspect_core_ml(into / found.variants[0].file.name)["signature"]["inputs"]
    assert given["shape"] == [1, 3, 24, 20]


def test_example_inputs_are_never_unpickled(optimized, networks_made, toolchain, tmp_path):
    source = networks_made / "wild.pt2"
    found, _ = optimized(source, Pass.CONVERT)
    assert found.variants[0].outcome is Outcome.BUILT, found.variants[0]
    line = "import sys, torch; torch.export.load(sys.argv[1])"
    python = [str(toolchain("pytorch")), "-c", line, str(source)]
    subprocess.run(python, cwd=tmp_path, capture_output=True, check=False)
    assert (tmp_path / "unpickled").exists(), "PyTorch itself would have: else this proves nothing"
    ours = "import sys; from pathlib import Path; from infrastructure.engine.torch_export.load "
    ours += "import loaded; loaded(Path(sys.argv[1]))"
    (tmp_path / "unpickled").unlink()
    python = [str(toolchain("pytorch")), "-c", ours, str(source)]
    root = Path(__file__).parents[3]
    subprocess.run(python, cwd=tmp_path, env={"PYTHONPATH": str(root)}, check=True)
    assert not (tmp_path / "unpickled").exists()
