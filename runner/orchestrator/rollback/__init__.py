"""Rollback triggers: looked at while a run goes on, and what follows when one fires."""
