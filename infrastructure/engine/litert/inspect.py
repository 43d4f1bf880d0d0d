"""Reads what a TFLite model takes, gives and is made of.

LiteRT loads it first: its verifier is what stands between wild offsets and a reader that follows
them, and it runs in the sandbox.
"""

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from infrastructure.engine.litert import flatbuffer
from infrastructure.engine.refusals import model_refused

FLEX = "custom:Flex"


def inspect_tflite(file: Path) -> dict[str, Any]:
    """`{"signature", "warnings"}`. Raises EngineRefusal for a model that cannot be taken."""
    interpreter = _loaded(file)
    model = flatbuffer.read(file)
    operators = flatbuffer.operators(model)
    signature = {
        "inputs": [_spec(one) for one in interpreter.get_input_details()],
        "outputs": [_spec(one) for one in interpreter.get_output_details()],
        "parameters": flatbuffer.parameters(model),
        "opset": None,
        "operators": operators,
    }
    told = []
    if flatbuffer.has_half_weights(model):
        told.append("Its weights are FP16: quantize the float model that it was made from instead.")
    return {"signature": signature, "warnings": told}


def _loaded(file: Path) -> Interpreter:
    try:
        interpreter = Interpreter(model_path=str(file), num_threads=1)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        told = " ".join(str(error).split())[:400]
        flex = "Select TensorFlow op" in told or "Flex" in told
        raise model_refused(
            "NOT_RUNNABLE",
            f"LiteRT does not load it: {told}",
            "Convert it with TFLITE_BUILTINS operators only."
            if flex
            else "Convert the model again, and see that an Interpreter loads the file.",
        ) from error
    return interpreter


def _spec(details: dict[str, Any]) -> dict[str, Any]:
    open_shape = details["shape_signature"] if len(details["shape_signature"]) else details["shape"]
    shape = ["?" if place < 0 else int(place) for place in open_shape]
    return {"name": details["name"], "dtype": np.dtype(details["dtype"]).name, "shape": shape}
