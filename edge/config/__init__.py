"""The settings of the agent: each named once, from one file, the environment, and the platform."""
