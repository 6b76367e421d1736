"""The kinds of verification."""
