"""The device's twin: what the platform desires of it, and what it reports of itself."""
