"""A step that one machine does for each of its hosts: how its block says so to Ansible."""

import json
from collections.abc import Iterable
from typing import Any

from runner.kinds.ansible_yaml import Block, Task

_OF_THE_MACHINE = {"runbook_sql": "{}", "runbook_psql": "'psql'", "runbook_python": "'python3'"}
"""Variables of the inventory by which a tool is reached, each with what it is where nothing is set."""


def delegated(on: str | None, tasks: Iterable[Task | Block]) -> dict[str, Any]:
    """The keywords by which `tasks` are done on the machine called `on`, for one host after the other.

    A group stands for the host in it: of several the names are joined, which no host is called. Where a database is
    reached from is the machine's own; every other variable is of the host for which it is done, `step_host`.
    """
    if on is None:
        return {}
    own, delegate = by_machine(on, [task.data() for task in tasks])
    return {"vars": {"step_host": "{{ inventory_hostname }}", **own}, "delegate_to": delegate, "throttle": 1}


def by_machine(on: str, what: Any) -> tuple[dict[str, str], str]:
    """The variables by which `what` is done as the machine called `on` does it, and how that is named to Ansible."""
    machine = f"groups['{on}'] | default(['{on}']) | join(',')" if on != "localhost" else "'localhost'"
    text = json.dumps(what, default=str)
    own = {
        name: f"{{{{ hostvars[{machine}].{name} | default({default}) }}}}"
        for name, default in _OF_THE_MACHINE.items()
        if name in text
    }
    return own, f"{{{{ {machine} }}}}" if on != "localhost" else on
