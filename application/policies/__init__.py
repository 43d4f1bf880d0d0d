"""Policies: what follows from an event in another aggregate."""
