"""Rules about what a step changes or destroys."""
