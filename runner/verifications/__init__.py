"""The shelf of verification kinds: one file each, found by looking."""
