"""Keras models: .keras (a zip) and .h5 (HDF5)."""
