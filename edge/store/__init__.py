"""The device's event log: keeps everything, encrypted, until the platform says that it has it."""
