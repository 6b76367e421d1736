"""The history of the runs of this installation, for the commands that list them or ask when a runbook was tested."""

from __future__ import annotations

import os
from pathlib import Path

from runner.cli import context
from runner.core.errors import InvalidInputError
from runner.render.history.proofs import Proof
from runner.render.history.recorded_runs import RecordedRuns
from runner.render.history.run_history import RunHistory, histories
from runner.store.log.log_reader import read


def proven() -> list[Proof]:
    """A proof for each run that passed; none where nothing was ever recorded.

    Raises:
        AuditError: the audit log is broken or gone: then it proves nothing, and somebody must look.
    """
    log = _log()
    if log is None:
        return []
    with RecordedRuns.opened(log, now=context.clock()) as runs:
        return runs.proofs()


def recorded() -> list[RunHistory] | None:
    """Every run of this installation; None where nothing was ever recorded.

    Raises:
        AuditError: the audit log is broken or gone: then it tells nothing, and somebody must look.
    """
    log = _log()
    return None if log is None else list(histories(read(log), now=context.clock()))


def _log() -> Path | None:
    """The log of this installation, where anything was ever recorded."""
    if not os.path.lexists(context.state_path()):
        return None
    try:
        return context.audit_log(context.state())
    except InvalidInputError:  # a state directory in which nothing was done yet
        return None
