"""Rules about what a runbook refers to."""
