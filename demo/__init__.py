"""The demo: two real models go through a platform that it starts, as any client would do it."""
