"""The history of the runs of this installation, for the commands that list them or ask when a runbook was tested."""

from __future__ import annotations

import os

from runner.cli import context
from runner.core.errors import InvalidInputError
from runner.render.history.proofs import Proof, proofs
from runner.render.history.run_history import RunHistory, histories
from runner.store.log.audit_log import read


def proven() -> list[Proof]:
    """A proof for each run that passed; none where nothing was ever recorded.

    Raises:
        AuditError: the audit log is broken or gone: then it proves nothing, and somebody must look.
    """
    return list(proofs(recorded() or ()))


def recorded() -> list[RunHistory] | None:
    """Every run of this installation; None where nothing was ever recorded.

    Raises:
        AuditError: the audit log is broken or gone: then it tells nothing, and somebody must look.
    """
    if not os.path.lexists(context.state_path()):
        return None
    state = context.state()
    try:
        path = context.audit_log(state)
    except InvalidInputError:  # a state directory in which nothing was done yet
        return None
    return list(histories(read(path), now=context.clock()))
