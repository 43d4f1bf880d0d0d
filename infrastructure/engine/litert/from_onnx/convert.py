"""CONVERT: an ONNX model as TFLite in FP32, by onnx2tf's own writer of flatbuffers (no TensorFlow).

Inputs and outputs keep the layout of the source (an image stays NCHW), so whoever fed the source
feeds the variant the same. onnx2tf changes names that TFLite would not mind; they are put back. An
open first dimension becomes one row, other open ones what the calibration data has.
"""

import io
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx
import onnx2tf

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.litert import flatbuffer
from infrastructure.engine.litert.from_onnx.layout import restored
from infrastructure.engine.litert.from_onnx.plain_names import Named, plainly_named
from infrastructure.engine.litert.from_onnx.sizes import fix_sizes, sizes_of
from infrastructure.engine.litert.naming import renamed
from infrastructure.engine.pass_contract import PassSkipped, Progress, Rows

CUSTOM = "custom:"


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped for open shapes that no data fills, and for operators that TFLite does not
    have."""
    model = onnx.load(source)
    fix_sizes(model, sizes_of(model, data))
    named = plainly_named(model)
    report.tick(10, "writing TFLite")
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "model.onnx"
        onnx.save(named.model, plain)
        made = _written(plain, named, Path(folder) / "made")
    _check_operators(made)
    order = [
        [made.subgraphs[0].tensors[place].name.decode() for place in places]
        for places in (made.subgraphs[0].inputs, made.subgraphs[0].outputs)
    ]
    inputs, outputs = ([named.source[name] for name in names] for names in order)
    target.write_bytes(flatbuffer.written(renamed(made, inputs, outputs)))
    report.tick(80, "comparing layouts")
    restored(source, target, data)
    return f"onnx2tf {version('onnx2tf')} wrote it in TFLite's own operators."


def _written(plain: Path, named: Named, folder: Path) -> Any:
    """onnx2tf ends the process where it gives up, and tells why on standard output."""
    told = io.StringIO()
    try:
        with redirect_stdout(told), redirect_stderr(told):
            onnx2tf.convert(
                input_onnx_file_path=str(plain),
                output_folder_path=str(folder),
                output_signaturedefs=True,
                copy_onnx_input_output_names_to_tflite=True,
                keep_shape_absolutely_input_names=list(named.plain.values()),
                non_verbose=True,
            )
    except SystemExit as error:
        raise RuntimeError(" ".join(told.getvalue().split())[-400:]) from error
    return flatbuffer.read(folder / "model_float32.tflite")


def _check_operators(model: Any) -> None:
    strange = [one for one in flatbuffer.operators(model) if one.startswith(CUSTOM)]
    if strange:
        names = ", ".join(one.removeprefix(CUSTOM).removeprefix("ONNX_") for one in strange[:6])
        raise PassSkipped(
            "UNSUPPORTED_OPERATORS",
            f"onnx2tf has no TFLite operator for {names}. Export the model without it, or keep it "
            "in ONNX.",
        )
