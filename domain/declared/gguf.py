"""What is done to GGUF: llama.cpp's quantizations, by its own code and its own rules for which
tensor gets which."""

from domain.model_format import ModelFormat
from domain.optimization_spec import Pass
from domain.pass_declaration import Declaration


def _declared(made_by: Pass, what: str) -> Declaration:
    needs = ("gguf", "xllamacpp")
    return Declaration(made_by, what, ModelFormat.GGUF, needs, toolchain="gguf")


DECLARATIONS = (
    _declared(Pass.FP16, "Matrices in half precision."),
    _declared(Pass.BF16, "Matrices in the upper half of FP32: its range, 8 bits of precision."),
    _declared(Pass.Q8_0, "Blocks of 32 weights in 8 bits with one scale: 8.5 bits a weight."),
    _declared(Pass.Q4_0, "Blocks of 32 weights in 4 bits with one scale: 4.5 bits a weight."),
    _declared(Pass.Q4_1, "Blocks of 32 weights in 4 bits, scale and offset: 5 bits a weight."),
    _declared(Pass.Q5_0, "Blocks of 32 weights in 5 bits with one scale: 5.5 bits a weight."),
    _declared(Pass.Q5_1, "Blocks of 32 weights in 5 bits, scale and offset: 6 bits a weight."),
    _declared(Pass.Q4_K_M, "4 bits in blocks of 256 with scales of scales, 6 where it matters."),
    _declared(Pass.Q5_K_M, "5 bits in blocks of 256 with scales of scales, 6 where it matters."),
    _declared(Pass.Q6_K, "6 bits in blocks of 256 with scales of scales: 6.6 bits a weight."),
)
