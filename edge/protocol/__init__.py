"""What a device and the platform say to each other, and how: topics, envelopes, signatures.

Nothing here does I/O. Version 1 of the protocol is in every topic's root; a message of another
version is refused by name, and fields that nobody knows are ignored.
"""
