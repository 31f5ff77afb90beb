"""The downstream half: reads a published version and trains on it. Never imports `corpus`."""
