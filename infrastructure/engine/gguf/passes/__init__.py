"""One module a pass, GGUF to GGUF."""
