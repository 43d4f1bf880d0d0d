"""GGUF in llama.cpp: quantized, run, compared; and held against a second implementation.

The model is constructed: it counts upwards and is sure of it (see small_llama).
"""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks.conversions import small_llama
from domain.optimization import OptimizationResult, OptimizationSpec, Outcome, Pass
from domain.verdict import Measure
from infrastructure.engine.gguf.header import read_header
from infrastructure.engine.optimizer import SandboxedOptimizer
from tests.engine.watching import Remembering

pytestmark = pytest.mark.xdist_group("gguf")

ROWS, TOKENS = 8, 24


@pytest.fixture
def optimized(toolchain, optimizer: SandboxedOptimizer, tmp_path: Path):
    toolchain("gguf")

    def run(source: Path, *passes: Pass) -> OptimizationResult:
        prompts = np.random.default_rng(1).integers(0, 500, (ROWS, TOKENS), dtype=np.int32)
        np.savez(tmp_path / "prompts.npz", tokens=prompts)
        rows = tmp_path / "prompts.npz" if source.name == "model" else None
        spec = OptimizationSpec(passes=passes, threads=1)
        return optimizer.optimize(source, spec, None, rows, tmp_path / "out", Remembering())

    return run


def types(file: Path) -> dict[str, str]:
    return {one.name: one.kind for one in read_header(file).tensors}


def test_a_model_is_quantized_by_llama_cpp_and_gives_the_same_tokens(optimized, tmp_path):
    source = small_llama.write(tmp_path / "model")
    passes = (Pass.BF16, Pass.Q8_0, Pass.Q5_1, Pass.Q4_K_M)
    found = {one.made_by: one for one in optimized(source, *passes).variants}
    assert [one.outcome for one in found.values()] == [Outcome.MADE] * len(passes)
    for one in found.values():
        assert one.verdict.passed
        assert one.verdict.measure is Measure.ARGMAX_AGREEMENT
        assert one.comparison.rows == ROWS
    assert found[Pass.Q4_K_M].file.bytes < found[Pass.Q8_0].file.bytes < found[Pass.BF16].file.bytes
    mixed = types(tmp_path / "out" / found[Pass.Q4_K_M].file.name)
    assert mixed["output.weight"] == "Q6_K"
    assert mixed["blk.0.attn_q.weight"] == "Q4_K"
    assert mixed["blk.0.attn_norm.weight"] == "F32"
    told = read_header(tmp_path / "out" / found[Pass.Q4_K_M].file.name).pairs
    assert told["general.file_type"] == 15
    assert told["general.quantization_version"] == 2
    assert "SQNR" in found[Pass.Q4_K_M].reason

    again = tmp_path / "out" / found[Pass.Q8_0].file.name
    before = again.read_bytes()
    (twice,) = optimized(source, Pass.Q8_0).variants
    assert (tmp_path / "out" / twice.file.name).read_bytes() == before

    quantized = again.rename(tmp_path / "quantized")
    (refused,) = optimized(quantized, Pass.Q4_0).variants
    assert (refused.outcome, refused.code) == (Outcome.SKIPPED, "ALREADY_QUANTIZED")


def test_what_is_no_language_model_is_built_and_not_judged(optimized, tmp_path):
    source = small_llama.write(tmp_path / "weights", leave_out=("token_embd.weight",))
    (made,) = optimized(source, Pass.Q6_K).variants
    assert (made.outcome, made.verdict) == (Outcome.BUILT, None)
    assert "Of the weights themselves, not of outputs" in made.reason


SECOND = """
import sys
import numpy as np, gguf
source, *made = sys.argv[1:]
was = {one.name: one for one in gguf.GGUFReader(source).tensors}
for file in made:
    for one in gguf.GGUFReader(file).tensors:
        floats = np.asarray(was[one.name].data, np.float32)
        kind = one.tensor_type
        if kind.name in ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "BF16", "F16"):
            assert np.array_equal(gguf.quantize(floats, kind).ravel(), one.data.ravel()), one.name
        back = gguf.dequantize(one.data, kind).reshape(floats.shape)
        assert np.abs(back - floats).max() <= 0.13 * np.abs(floats).max(), (one.name, kind)
"""


def test_a_second_implementation_gives_the_same_bytes_and_reads_the_mixtures(
    optimized, toolchain, tmp_path
):
    source = small_llama.write(tmp_path / "model")
    found = optimized(source, Pass.FP16, Pass.Q4_0, Pass.Q4_1, Pass.Q5_0, Pass.Q5_K_M).variants
    files = [str(tmp_path / "out" / one.file.name) for one in found]
    line = [str(toolchain("gguf")), "-c", SECOND, str(source), *files]
    ended = subprocess.run(line, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
