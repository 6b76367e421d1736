"""What remains of a run: the audit log, the state it can be resumed from, its evidence and its report."""
