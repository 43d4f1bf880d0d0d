"""What becomes TFLite from Keras models."""
