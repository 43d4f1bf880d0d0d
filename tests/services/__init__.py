"""Real servers for tests: found by environment variable, on the PATH, or installed; run privately
on the loopback address with data in a temporary folder; and gone when the test process is, however
it ended.
"""
