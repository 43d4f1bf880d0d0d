"""TensorFlow SavedModels, as one zip of the folder."""
