"""How far one may rely on a runbook: what the record says of its last test, and how long ago that was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from runner.library.last_tested import Proof, Tested, last_tested


@dataclass(frozen=True, slots=True)
class Freshness:
    """In one word whether a test stands behind the runbook as it is now, and in a sentence why, or why not."""

    word: Literal["tested", "stale", "changed", "never tested"]
    why: str

    @property
    def good(self) -> bool:
        """Whether nobody needs to do anything about it."""
        return self.word == "tested"


def freshness(runbook: Tested, proofs: Iterable[Proof], *, now: datetime, stale_after: timedelta) -> Freshness:
    """How fresh the last test of `runbook` is; one is stale when it is older than `stale_after`."""
    last = last_tested(runbook, proofs)
    if last is None:
        return Freshness("never tested", "No run of it that passed is on record")
    when = f"passed on {last.time:%Y-%m-%d}" + (f" in {last.environment}" if last.environment else "")
    if not last.current:
        return Freshness("changed", f"An earlier text of it {when}; it has changed since")
    days = (now - last.time).days
    if now - last.time > stale_after:
        return Freshness("stale", f"It {when}, which is {days} days ago")
    return Freshness("tested", f"It {when}")
