"""Models of scikit-learn made into ONNX."""
