"""The ONNX engine: every module here runs in an engine process only, except `engine`."""
