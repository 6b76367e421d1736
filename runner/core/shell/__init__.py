"""The one reader of shell code."""
