"""Commands for those who write runbooks."""
