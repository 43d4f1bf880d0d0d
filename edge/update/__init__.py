"""Over-the-air updates: offers judged, targets trusted, slots switched, health proven."""
