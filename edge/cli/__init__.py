"""The command line of the agent: `edgewise-edge`."""
