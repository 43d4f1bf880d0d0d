"""One module a pass, Core ML to Core ML."""
