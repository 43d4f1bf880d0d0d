"""What a model takes and gives, and what it is made of."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output. A dimension is a number, a symbol's name, or `?` when unknown."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """`parameters` counts weights; `opset` is ONNX's; `operators` counts nodes by operator."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    parameters: int | None = None
    opset: int | None = None
    operators: dict[str, int] = field(default_factory=dict)
