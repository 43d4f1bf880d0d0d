"""What becomes ONNX from SavedModels."""
