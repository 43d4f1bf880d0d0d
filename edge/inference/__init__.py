"""Models on the device: fetched, checked, loaded beside the old one, swapped, run."""
