"""A test stands behind a runbook only as long as it is of this text and not too long ago."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runner.library.last_tested import Proof
from runner.render.site.site_content import Freshness, freshness


@pytest.mark.parametrize(
    ("tests", "word", "why"),
    [
        ([], "never tested", "No run of it that passed is on record"),
        ([("now", 3)], "tested", "It passed on 2026-05-29 in staging"),
        ([("now", 90)], "tested", "It passed on 2026-03-03 in staging"),
        ([("now", 90.01)], "stale", "It passed on 2026-03-03 in staging, which is 90 days ago"),
        ([("earlier", 3)], "changed", "An earlier text of it passed on 2026-05-29 in staging; it has changed since"),
        ([("now", 10), ("earlier", 3)], "tested", "It passed on 2026-05-22 in staging"),
    ],
)
def test_how_fresh_the_last_test_is(collection, now, tests, word, why):
    source = collection.runbooks["RUN-001"]
    proofs = [
        Proof("RUN-001", source.sha256 if text == "now" else "aa", "", "staging", "run", now - timedelta(days=days))
        for text, days in tests
    ]

    found = freshness(source, proofs, now=now, stale_after=timedelta(days=90))

    assert found == Freshness(word, why)
    assert found.good == (word == "tested")


def test_what_proves_another_runbook_proves_nothing(collection, now):
    proof = Proof("RUN-002", collection.runbooks["RUN-001"].sha256, "", "staging", "run", now)

    assert freshness(collection.runbooks["RUN-001"], [proof], now=now, stale_after=timedelta(1)).word == "never tested"
