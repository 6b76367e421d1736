"""Who is called when a run does not pass."""
