"""What the benchmark of overhead compares, and how it is timed and drawn."""
