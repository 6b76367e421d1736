"""A runbook as it is done: compiled, aimed at hosts, executed by Ansible, and judged host by host."""
