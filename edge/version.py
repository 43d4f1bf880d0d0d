"""The version of the agent, and the day that its clock cannot be before."""

VERSION = "0.1.0"

RELEASED = 1_795_219_200.0
"""2026-11-21 00:00 UTC, in seconds since 1970: set at each release. No device that runs this agent
lives earlier, whatever its clock says."""
