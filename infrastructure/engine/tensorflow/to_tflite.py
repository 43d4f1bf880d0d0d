"""A frozen computation as a TFLite file, in FP32, by TensorFlow's converter.

An open first dimension becomes one row: TFLite Micro and the delegates of NPUs take no open shapes,
and the file needs no operators that work out its own shape.
"""

import re
from pathlib import Path

import tensorflow as tf

from infrastructure.engine.litert import flatbuffer
from infrastructure.engine.litert.naming import renamed
from infrastructure.engine.pass_contract import PassSkipped
from infrastructure.engine.tensorflow.frozen import Frozen

ROWS = 1
DONE = "TensorFlow {version} wrote it in TFLite's own operators, for one row at a time."


def to_tflite(frozen: Frozen, target: Path) -> str:
    """Raises PassSkipped for operators that TFLite does not have."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen.function])
    try:
        made = converter.convert()
    except Exception as error:  # the converter's own class is private
        raise _refused(error) from error
    target.write_bytes(made)
    model = flatbuffer.read(target)
    target.write_bytes(flatbuffer.written(renamed(model, frozen.inputs, frozen.outputs)))
    return DONE.format(version=tf.__version__)


def _refused(error: Exception) -> Exception:
    missing = re.search(r"(?:Flex|Custom) ops?: ([\w, ]+)", str(error))
    if missing is None:
        return error
    return PassSkipped(
        "UNSUPPORTED_OPERATORS",
        f"TFLite has no operator for {missing[1].strip()}. Convert to ONNX instead, or write that "
        "step with other operators.",
    )
