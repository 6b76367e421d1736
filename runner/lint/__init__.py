"""What a runbook that loads may still have wrong."""
