"""A runbook as teams write it in Markdown: read into YAML that loads, and written back."""
