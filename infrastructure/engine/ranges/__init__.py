"""Ranges of tensors, told from calibration rows in bounded memory, for every format alike."""
