"""What proves that the log is as it was written: hashes, findings, signed checkpoints, exports."""
