"""From a runbook to the Ansible playbook that does it."""
