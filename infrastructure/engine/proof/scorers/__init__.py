"""Scorers: each reads outputs and labels row by row, and gives one figure at the end."""
