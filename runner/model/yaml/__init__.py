"""The one reader and writer of YAML."""
