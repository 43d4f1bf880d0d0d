"""One module a pass, SavedModel to Core ML."""
