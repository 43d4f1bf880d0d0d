"""The agent: its core, which is small, and the modules that it keeps running."""
