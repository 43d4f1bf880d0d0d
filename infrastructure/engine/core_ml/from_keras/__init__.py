"""One module a pass, Keras to Core ML."""
