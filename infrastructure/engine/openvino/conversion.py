"""What conversions to OpenVINO IR share: files of other formats, read by OpenVINO's front ends."""

import re
import tempfile
from collections.abc import Collection
from pathlib import Path

import openvino as ov
from openvino.frontend import OpConversionFailure

from infrastructure.engine.openvino.files import write
from infrastructure.engine.pass_contract import PassSkipped

_AT_FAULT = re.compile(r"^-- (\S+) with a message:", re.M)
_WHY = re.compile(r"Check '[^']*' failed at [^:]*:\d+:\s*(?:FrontEnd API failed with \w+:\s*)?(.+)")


def converted(source: Path, suffix: str, known: Collection[str], target: Path) -> ov.Model:
    """Writes the model as OpenVINO IR with its numbers as they are. `suffix` is what OpenVINO knows
    the format by, `known` are names of layers to keep. Raises PassSkipped for operators that it
    cannot take."""
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / f"model{suffix}"
        named.symlink_to(source.resolve())
        try:
            model = ov.convert_model(str(named))
        except OpConversionFailure as error:
            raise _not_taken(str(error)) from error
        write(model, target, known)
    return model


def _not_taken(told: str) -> PassSkipped:
    """OpenVINO's report names each node, then what it checked and what it found."""
    nodes = ", ".join(dict.fromkeys(_AT_FAULT.findall(told))) or "some operators"
    found = _WHY.findall(told)
    why = f": {' '.join(found[-1].split())[:200]}" if found else ""
    return PassSkipped(
        "OPERATORS_NOT_TAKEN",
        f"OpenVINO {ov.__version__.split('-')[0]} cannot take {nodes[:200]}{why}. Export the model "
        "without control flow and with fixed shapes, or keep it in its format.",
    )
