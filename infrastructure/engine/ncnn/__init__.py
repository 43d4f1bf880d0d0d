"""ncnn's network descriptions (.param)."""
