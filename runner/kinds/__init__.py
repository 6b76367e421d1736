"""What a step can do and how it can be verified: one file for each kind."""
