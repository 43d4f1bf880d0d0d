"""Commands of the platform: is this one meant for us, still good, and not run before; then run
it."""
