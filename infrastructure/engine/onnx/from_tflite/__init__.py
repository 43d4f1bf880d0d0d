"""What becomes ONNX from TFLite files."""
