"""What links to what, and whether it is there."""
