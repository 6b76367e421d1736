"""What a user can ask about a library: find a runbook, follow links, judge the gates, publish."""
