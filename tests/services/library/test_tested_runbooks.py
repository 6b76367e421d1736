"""Whether a runbook is proven is what the record says of the text as it is now: drills first, and then how long ago."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from harness.collected import SHIPPED
from harness.run_records import record

from runner.core.events import EventType
from runner.library.last_tested import Proof
from runner.library.snapshot import read
from runner.services.library.tested_runbooks import RunbookState, runbook_states

SHA256 = SHIPPED.source("RUN-001").sha256


@pytest.fixture(scope="module")
def shipped():
    """The runbooks that come with the product, which takes long to read."""
    return tuple(read(SHIPPED).used.values())


def proof(sha256=SHA256):
    return Proof("RUN-001", sha256, "p", "lab", "run", datetime(2026, 1, 1, tzinfo=UTC), drilled=True)


def drill(verdict, test="as written", sha256=SHA256, **more):
    about = {"runbook": "RUN-001", "name": "RUN-001", "runbook_sha256": sha256, "reasons": ["it stays broken"]}
    return record(1, EventType.DRILL_FINISHED, test=test, verdict=verdict, **about, **more)


@pytest.mark.parametrize(
    ("proofs", "drills", "month", "expected"),
    [
        ([proof()], [], 2, (RunbookState.PROVEN, "tested on 2026-01-01")),
        ([proof()], [], 5, (RunbookState.DUE, "its test was due on 2026-04-02")),
        ([proof("old")], [], 2, (RunbookState.EDITED, "it was tested on 2026-01-01, and has been edited since")),
        ([], [], 2, (RunbookState.UNTESTED, "no drill of it has passed, and no run in staging")),
        ([proof()], [drill("failed")], 2, (RunbookState.RED, "RUN-001, as written: it stays broken")),
        ([proof()], [drill("failed"), drill("passed")], 2, (RunbookState.PROVEN, "tested on 2026-01-01")),
        (
            [proof()],
            [drill("failed", "no fault"), drill("passed")],
            2,
            (RunbookState.RED, "RUN-001, no fault: it stays broken"),
        ),
        ([proof()], [drill("failed", void=True)], 2, (RunbookState.PROVEN, "tested on 2026-01-01")),
        (
            [proof()],
            [drill("failed"), drill("failed", void=True)],
            2,
            (RunbookState.RED, "RUN-001, as written: it stays broken"),
        ),
        ([proof()], [drill("failed", sha256="old")], 2, (RunbookState.PROVEN, "tested on 2026-01-01")),
    ],
)
def test_its_state_follows_from_the_record(shipped, proofs, drills, month, expected):
    now = datetime(2026, month, 1, tzinfo=UTC)

    found = {each.id: each for each in runbook_states(shipped, proofs, drills, now=now)}

    assert (found["RUN-001"].state, found["RUN-001"].why) == expected
