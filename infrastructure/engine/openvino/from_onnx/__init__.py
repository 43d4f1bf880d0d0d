"""ONNX models made into OpenVINO IR."""
