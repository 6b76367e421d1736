"""What comes before the first step: guards, locks, a look at every host, the first record."""
