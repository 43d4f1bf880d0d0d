"""OpenVINO models read from and written to their one file."""

import tempfile
from collections.abc import Collection
from pathlib import Path

import openvino as ov

from infrastructure.engine.bundle import pack
from infrastructure.engine.openvino.bundled import in_bundle
from infrastructure.engine.openvino.tidy import tidy

NAME = "model"


def read(file: Path) -> ov.Model:
    """Raises EngineRefusal for a zip that is no whole model, OpenVINO's RuntimeError for one that
    it cannot read."""
    with in_bundle(file) as (xml, weights):
        return ov.Core().read_model(xml, weights)


def layer_names(model: ov.Model) -> frozenset[str]:
    return frozenset(one.get_friendly_name() for one in model.get_ops())


def write(model: ov.Model, target: Path, known: Collection[str], halves: bool = False) -> None:
    """The same bytes for the same model. `known` are names of layers to keep, see `tidy`;
    `halves` stores floats in FP16."""
    with tempfile.TemporaryDirectory() as folder:
        xml = Path(folder) / f"{NAME}.xml"
        ov.save_model(model, xml, compress_to_fp16=halves)
        tidy(xml, known)
        pack(Path(folder), target)
