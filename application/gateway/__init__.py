"""What the platform does with what devices say, and what it says to them. No connection here: a
message comes in, messages go out.
"""
