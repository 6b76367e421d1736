"""The places where a secret may be: one class for each kind of reference."""
