"""Model engines: read, transform, compare and time model files that nobody vouches for."""
