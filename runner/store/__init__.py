"""What is kept of a run: the audit log, its state, its evidence, and the locks that it holds."""
