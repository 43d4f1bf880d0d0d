"""The way to an MQTT broker, and what the platform asks of one."""
