"""What the record of this installation proves about runbooks, for the commands that ask when one was tested."""

from __future__ import annotations

import os

from runner.cli import context
from runner.errors import InvalidInputError
from runner.record.audit_log import read, verify
from runner.record.proofs import Proof, proofs


def proven() -> list[Proof]:
    """A proof for each run that passed; none where nothing was ever recorded.

    Raises:
        AuditError: the audit log is broken or gone: then it proves nothing, and somebody must look.
    """
    if not os.path.lexists(context.state_path()):
        return []
    state = context.state()
    try:
        path = context.audit_log(state)
    except InvalidInputError:  # a state directory in which nothing was done yet
        return []
    verify(path)
    return list(proofs(read(path)))
