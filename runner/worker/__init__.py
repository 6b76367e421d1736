"""Processes that live long: the watch that calls for what has died."""
