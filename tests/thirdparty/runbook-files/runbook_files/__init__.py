"""A step, a verification, a channel and a rule for runbookctl, which only know files."""
