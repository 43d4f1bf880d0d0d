"""The passes on OpenVINO IR: FP16 by OpenVINO, quantization by NNCF."""
