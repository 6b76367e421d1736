"""Functions of the one executor that runs ansible-playbook, for callers that are not given an executor yet."""

from __future__ import annotations

from runner.executor.ansible.ansible_executor import AnsibleExecutor

ANSIBLE = AnsibleExecutor()
execute, resolve = ANSIBLE.execute, ANSIBLE.resolve
