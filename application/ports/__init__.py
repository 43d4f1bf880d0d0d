"""What the application asks of the world, as Protocols of one to four methods."""
