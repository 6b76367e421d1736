"""What comes after: resuming, undoing, handing over."""
