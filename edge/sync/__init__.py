"""From the event log to the platform: what is sent when, and again until the platform has it."""
