"""What becomes ONNX from Keras models."""
