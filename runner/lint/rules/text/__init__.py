"""Rules about what people read."""
