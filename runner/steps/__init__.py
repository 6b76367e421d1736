"""The shelf of step kinds: one file each, found by looking."""
