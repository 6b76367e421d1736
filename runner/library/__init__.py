"""The runbooks of a team, what they link to, and what is known of them as a whole."""
