"""What can be told of a TensorRT engine without TensorRT: that it is one.

Its layout is NVIDIA's own and changes with each version; it is machine code for one kind of GPU,
so it is never loaded here.
"""

from pathlib import Path
from typing import Any

TOLD = (
    "A TensorRT engine tells what it takes only to the TensorRT version that built it, on the GPU "
    "that it was built for. It is kept as it is; upload the ONNX model to optimize it."
)


def inspect_tensorrt(_file: Path) -> dict[str, Any]:
    """`{"signature": None, "warnings"}`."""
    return {"signature": None, "warnings": [TOLD]}
