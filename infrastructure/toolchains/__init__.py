"""Environments for toolchains that cannot live in this server's own, made on first use."""
