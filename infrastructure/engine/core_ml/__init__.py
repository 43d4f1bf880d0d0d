"""Core ML packages (.mlpackage), as one zip of the folder."""
