"""Where a run waits for people."""
