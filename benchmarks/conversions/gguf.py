"""GGUF in llama.cpp's quantizations.

No package ships a GGUF model, so it is a constructed one (see small_llama): the cases show that
files are quantized and run, and how large and fast they are, not what a trained model loses.
"""

from pathlib import Path

import numpy as np

from benchmarks.conversions import small_llama
from benchmarks.conversions.case import Case
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass

ROWS, TOKENS = 64, 32
PASSES = (Pass.BF16, Pass.Q8_0, Pass.Q5_1, Pass.Q4_0, Pass.Q6_K, Pass.Q5_K_M, Pass.Q4_K_M)


def counting(folder: Path) -> Path:
    return small_llama.write(folder / "counting.gguf", width=512)


def prompts(folder: Path) -> Path:
    """`tokens` [64, 32] int32, seeded."""
    made = folder / "prompts.npz"
    random = np.random.default_rng(1)
    tokens = random.integers(0, small_llama.VOCABULARY - 1, (ROWS, TOKENS), dtype=np.int32)
    np.savez(made, tokens=tokens)
    return made


CASES = tuple(
    Case(f"constructed llama gguf {one.lower()}", counting, ModelFormat.GGUF, one, prompts)
    for one in PASSES
)
