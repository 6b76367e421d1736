"""Whether a host can be reached over SSH, found out before anything is done."""
