"""The connection to the platform: TLS that survives a wrong clock, MQTT, and HTTPS calls."""
