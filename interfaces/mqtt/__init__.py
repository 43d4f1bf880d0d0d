"""Devices, over MQTT."""
