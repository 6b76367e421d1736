"""Where a run stands: each step on each host, how long it takes and usually took, and how much of its time is used."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from statistics import median

from runner.core.deferred import dataclass
from runner.core.events import Outcome
from runner.core.wording import grouped
from runner.render.handoff.hand_off import missing
from runner.render.history.page_history import PageHistory, calls, tickets
from runner.render.history.run_history import RunHistory

MOST_RUNS = 20
"""Runs from which it is known how long a step usually takes."""


@dataclass(frozen=True, slots=True)
class StepStatus:
    """One step: its outcome on each host (`running` until it has ended), and its seconds: so far, and usually."""

    id: str
    name: str
    hosts: Mapping[str, str]
    seconds: float | None
    usually: float | None


@dataclass(frozen=True, slots=True)
class PageStatus:
    """A page: to whom, of which level, by which channel and for what; since when, and what became of it.

    `notification` is its name in the outbox, as long as it waits there.
    """

    contact: str
    level: str
    channel: str
    action: str
    at: datetime
    status: str
    arrived: bool
    reason: str
    notification: str


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A run as it stands; `used` and `budget` are the seconds of its last attempt, `undelivered` are contacts.

    `calls` are the pages by which somebody was called, `tickets` those that asked for one, `undelivered_pages` those
    that have not arrived, whatever they are for. `ended_by` is the run that ended the incident; `not_called` says who
    was outside of their hours. `missing` is what was promised to whoever was called, and is not known; `acknowledged`
    says who has the incident, if anybody does; `asks_again` that whoever had it has not said so of the latest attempt.
    """

    outcome: str
    attempt: str
    used: float
    budget: float | None
    waiting: str
    undelivered: tuple[str, ...]
    undelivered_pages: tuple[PageStatus, ...]
    calls: tuple[PageStatus, ...]
    tickets: tuple[PageStatus, ...]
    not_called: tuple[str, ...]
    missing: tuple[str, ...]
    acknowledged: str
    ended_by: str
    asks_again: bool
    steps: tuple[StepStatus, ...]


def status(run: RunHistory, *, usually: Mapping[str, float]) -> RunStatus:
    """Where `run` stands."""
    return RunStatus(
        outcome=run.outcome,
        attempt=run.attempts[-1].name,
        used=run.attempts[-1].seconds,
        budget=run.budget,
        waiting=run.waiting,
        undelivered=run.unreached,
        undelivered_pages=tuple(map(_page, run.undelivered)),
        calls=tuple(map(_page, calls(run.pages))),
        tickets=tuple(map(_page, tickets(run.pages))),
        not_called=run.not_called,
        missing=missing(run),
        acknowledged=run.acknowledged.words if run.acknowledged else "",
        ended_by=run.ended_by,
        asks_again=run.news_since is not None,
        steps=tuple(
            StepStatus(step.id, step.name, step.outcomes, step.seconds, usually.get(step.id)) for step in run.steps
        ),
    )


def _page(page: PageHistory) -> PageStatus:
    return PageStatus(
        contact=page.contact,
        level=page.level or "L1",
        channel=page.channel,
        action=page.action,
        at=page.time,
        status="dropped" if page.dropped else page.status,
        arrived=page.arrived,
        reason=page.dropped or page.reason,
        notification=page.notification if page.is_open else "",
    )


def usual(runs: Iterable[RunHistory], runbook: str) -> dict[str, float]:
    """How many seconds machines usually work on each step of `runbook`: the median of the latest attempts that did it.

    What people took to answer, and a step that only passed in a later attempt than it was begun in, do not count.
    """
    mine = [run for run in runs if run.runbook == runbook and not run.looks][-MOST_RUNS:]
    steps = (step for run in mine for attempt in run.attempts for step in attempt.steps)
    passed = (step for step in steps if step.outcome == Outcome.PASSED)
    took = grouped((step.id, step.seconds) for step in passed if step.seconds is not None)
    return {step: median(seconds) for step, seconds in took.items()}
