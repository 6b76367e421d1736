"""What runs in the demo as a process of its own: the web shop, its load balancer, a report that leaks, monitoring."""
