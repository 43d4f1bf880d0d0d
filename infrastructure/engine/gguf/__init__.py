"""GGUF files, llama.cpp's format: read here by a bounded reader of our own."""
