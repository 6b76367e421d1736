"""A run from its first record to its last."""
