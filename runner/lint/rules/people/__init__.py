"""Rules about who is called and who approves."""
