"""What can be asked for: each command loads, makes one decision and saves."""
