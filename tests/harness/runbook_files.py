"""Runbooks as tests read them: from a file that may have any name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.model.reader import to_runbook
from runner.model.yaml.document import load

if TYPE_CHECKING:
    from pathlib import Path

    from runner.model.runbook import Runbook


def read_runbook(path: Path) -> Runbook:
    """The runbook in the file at `path`."""
    return to_runbook(load(path.read_bytes(), file=str(path)))
