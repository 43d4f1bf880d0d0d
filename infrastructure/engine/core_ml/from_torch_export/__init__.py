"""One module a pass, PyTorch's exported programs to Core ML."""
