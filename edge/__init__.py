"""What runs on a device. It imports nothing of the server; the server may import `edge.protocol`,
and nothing else of it."""
