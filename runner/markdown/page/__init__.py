"""A Markdown page taken apart: sections, steps, commands."""
