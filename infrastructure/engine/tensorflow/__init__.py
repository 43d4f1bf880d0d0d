"""What Keras models and SavedModels share: both are computations of TensorFlow."""
