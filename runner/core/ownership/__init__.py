"""Whose files are executed, and who executes them."""
