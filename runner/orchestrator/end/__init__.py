"""How a run ends, whatever was raised."""
