"""Executes a compiled playbook on hosts, and says what happened on each."""
