"""Commands for the night."""
