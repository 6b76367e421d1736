"""A library in which one runbook does a step of another, in runs of their own."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import count

import pytest
from harness.engine import NOBODY
from harness.fakes import RUN_ID, RUNBOOK, runbook_file

from runner.compiler import committed_playbook
from runner.library.library import Library


@pytest.fixture
def other(engine):
    """Writes a runbook that does a step of another one; the runs that are begun have ids in a row."""

    def write(*steps, name="RUN-002", **changes):
        keys = {"id": name, "title": "Help", "escalation": NOBODY, **({"steps": list(steps)} if steps else {})}
        runbook_file(engine.directory, RUNBOOK, **{**keys, **changes})
        library = Library(engine.directory)
        committed_playbook.write(library, library.source(name))

    ids = (RUN_ID.replace("T000000Z", f"T{number:06}Z") for number in count(1))
    actor = replace(engine.env.actor, pid=os.getpid())  # locks are joined in the process that has them
    engine.env = replace(engine.env, new_run_id=lambda: next(ids), actor=actor)
    return write
