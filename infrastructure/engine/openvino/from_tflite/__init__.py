"""TFLite models made into OpenVINO IR."""
