"""What becomes TFLite from SavedModels."""
