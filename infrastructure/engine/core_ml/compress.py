"""A Core ML program with its weights stored smaller: the device unpacks them when it loads it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from infrastructure.engine.core_ml.package import opened, operators, write
from infrastructure.engine.pass_contract import PassSkipped

UNPACKING = "constexpr_"
"""How the operations begin that unpack a weight."""


def compressed(source: Path, target: Path, compress: Callable[[Any], Any], into: str) -> str:
    """Weights of 2,048 values or fewer stay, as coremltools has it. Raises PassSkipped where
    nothing else is left, or for what is no program."""
    with opened(source) as model:
        before = operators(model)
        if not before:
            raise PassSkipped(
                "NO_PROGRAM",
                "It is a neural network of before iOS 15, not a program. Convert its source again "
                "to an .mlpackage.",
            )
        if any(name.startswith(UNPACKING) for name in before):
            raise PassSkipped(
                "ALREADY_COMPRESSED",
                "Its weights are stored compressed already. Start from the float model.",
            )
        made = compress(model)
        count = sum(n for name, n in operators(made).items() if name.startswith(UNPACKING))
        if not count:
            raise PassSkipped(
                "NOTHING_COMPRESSED",
                "It has no weight of more than 2,048 values, and smaller ones are left as they "
                "are. FP16 makes such a model smaller.",
            )
        write(made, target)
        version = made.get_spec().specificationVersion
    return (
        f"{count} weights became {into}, specification {version}. It was built, and has not been "
        "run: that takes an Apple system."
    )
