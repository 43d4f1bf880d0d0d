"""One cell of the matrix: a real model, what it is to become, and the data to judge that by."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from domain.model_format import ModelFormat
from domain.optimization_spec import Pass

Made = Callable[[Path], Path]
"""Puts a file into a folder that it is given, and says which."""


@dataclass(frozen=True, slots=True)
class Case:
    """`data` makes an .npz to calibrate with and compare on; without it, inputs are random."""

    name: str
    source: Made
    target: ModelFormat
    made_by: Pass
    data: Made | None = None
