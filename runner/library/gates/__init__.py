"""Coverage, the incident response matrix and the quality gates."""
