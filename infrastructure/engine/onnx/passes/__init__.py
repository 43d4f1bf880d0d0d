"""The passes: each makes one variant file from the source, or says why it cannot."""
