"""What is true: aggregates, events and invariants. No I/O.

Imports the standard library and `eventsourcing` only.
"""
