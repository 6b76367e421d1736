"""A system that can be broken and probed: the demo."""
