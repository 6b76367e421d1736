"""The catalogue that people browse: every runbook, entry, link and run as a page that needs no server."""
