"""Programs that look at a host: each has the values in its environment, and prints what it has found as JSON."""
