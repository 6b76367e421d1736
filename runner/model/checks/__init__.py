"""What must be right between the parts of a runbook, each of which is right by itself."""
