"""Commands that call people."""
