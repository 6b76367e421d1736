"""Scheduled work: what is due is decided, begun and told."""
