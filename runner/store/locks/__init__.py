"""Locks on hosts and named resources."""
