"""A runbook as it is written, read into frozen types."""
