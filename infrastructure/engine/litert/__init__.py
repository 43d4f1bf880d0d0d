"""TFLite files in LiteRT, their runtime: read, run, quantized. No TensorFlow."""
