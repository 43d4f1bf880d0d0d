"""The platform's own certificate authority."""
