"""A runbook as it is written: its model, how it is read, and what is found wrong with it."""
