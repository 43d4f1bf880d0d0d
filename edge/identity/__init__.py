"""Who this device is: its key, which never leaves it, and what the platform gave it at joining."""
