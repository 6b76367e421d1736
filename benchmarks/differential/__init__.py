"""Runbooks made at random, done by both engines, and all that they leave compared."""
