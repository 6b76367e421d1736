"""When a runbook is begun without a person: what is written of it, and at which times that is."""
