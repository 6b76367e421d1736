"""Commands about the lab."""
