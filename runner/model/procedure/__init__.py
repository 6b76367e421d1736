"""What an item of a procedure may be besides a plain step: one file for each construct."""
