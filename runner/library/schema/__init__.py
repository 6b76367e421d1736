"""JSON Schema for editors, and what it says of each key."""
