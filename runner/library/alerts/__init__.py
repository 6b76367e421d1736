"""Prometheus' alerts and the runbook that each leads to."""
