"""One module a pass, ONNX to an engine."""
