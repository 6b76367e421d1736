"""The commands, one file each, in the groups that `runbook --help` shows."""
