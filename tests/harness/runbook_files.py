"""Runbooks as tests read them: from a file that may have any name; and what a playbook of one has, and did."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.library.runbook_source import source_of

if TYPE_CHECKING:
    from pathlib import Path

    from runner.model.runbook import Runbook


def read_runbook(path: Path) -> Runbook:
    """The runbook in the file at `path`."""
    return source_of(path, path.read_bytes(), named=False).runbook


def tasks_written(runbook_id: str, playbook: Path) -> list[str]:
    """Every action and verification in the playbook, in order."""
    return re.findall(rf"name: ['\"]?{runbook_id}/(\S+/(?:action|verify/\d+)) \|", playbook.read_text())


def tasks_done(runbook_id: str, output: str) -> list[str]:
    """The actions and verifications that ansible-playbook says it has done, in order."""
    return re.findall(rf"TASK \[{runbook_id}/(\S+/(?:action|verify/\d+)) \|", output)


FAULT_VALUES = {
    "service": "shop",
    "directory": "/var/log/shop",
    "database": "shop",
    "table": "orders",
    "port": "8080",
    "certificate": "/etc/shop.crt",
    "key": "/etc/shop.key",
    "name": "db1.example.com",
}
"""What each of the faults that we know can be given, by the name of what it needs."""
