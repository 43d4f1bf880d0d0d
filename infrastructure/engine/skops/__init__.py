"""Models of scikit-learn in skops' format: a schema and arrays, and no pickle."""
