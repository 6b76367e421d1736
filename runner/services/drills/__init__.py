"""Drills as a service: one of them, the standard tests of a library, and whom they would have called."""
