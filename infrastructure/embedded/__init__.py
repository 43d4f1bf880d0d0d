"""Services that Edgewise brings along, for a laptop or a small site."""
