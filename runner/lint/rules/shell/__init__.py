"""Rules about commands and shell code."""
