"""The channels by which people are called: one file each."""
