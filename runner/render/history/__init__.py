"""The one fold of a run's events."""
