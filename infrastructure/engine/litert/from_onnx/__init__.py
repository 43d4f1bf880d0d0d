"""What becomes TFLite from ONNX."""
