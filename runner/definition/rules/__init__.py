"""The shelf of lint's rules: one file each, found by `runner.definition.lint`."""
