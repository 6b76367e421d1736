"""Finds the runbook for an alert, an error message or a few words."""
