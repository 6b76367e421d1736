"""What every package stands on: events, errors, identifiers, durations, secrets and their redaction."""
