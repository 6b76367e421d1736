"""What became of a run: its records folded once, for the report, the status, the lists, the site, proofs and pages."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from itertools import dropwhile
from typing import Any, Literal

from runner.core.deferred import dataclass
from runner.core.events import EventType, Instant, Outcome
from runner.render.history.attempts import REFUSED, Attempt, ending, fold_attempts, given, provenance, split
from runner.render.history.decisions import NOBODY, Decision, decisions
from runner.render.history.page_history import (
    Acknowledgement,
    PageHistory,
    acknowledgement,
    ended_by,
    page_histories,
    undelivered,
)
from runner.render.history.step_fold import fold_steps
from runner.render.history.step_history import RUNNING, StepHistory, in_reading_order
from runner.render.history.timeline import Moment, passed_over, timeline
from runner.render.history.trigger_history import TriggerHistory, trigger_histories
from runner.store.log import record_data
from runner.store.log.envelope import Record
from runner.store.next_command import NextCommand, command_line
from runner.store.run_state import run_kind

LOOKS = frozenset({"dry-run", "preflight"})
"""The modes in which nothing is done."""

_AFTER = frozenset({EventType.RUN_FILED, EventType.DRILL_UNDONE, EventType.DRILL_FINISHED})
"""What comes after the report, which cannot tell of it."""


@dataclass(frozen=True)
class RunHistory:
    """What happened in one run, as the audit log has it up to `head`.

    `outcome` is `running` until the run has ended. `facts` is what its first record says of it, `provenance` which
    versions ran, of which commit of the library. `children` are the runs that it handed over to, `called_runs` those
    that did its steps, `parent` the one that it took over from, or did a step of where it `is_called`. `glass` says who
    went past the guards, why, and past which. `waiting` is the question that nobody has answered yet. `ended_by` is the
    later run that has ended the incident that it has called for. `directory` is where its files are, `provide` what was
    promised to whoever is called for it. `acknowledged` says who has the incident; `news_since` is when a later attempt
    had news for whoever had it, of which nobody has said yet that they have that. `happened` is its end in one
    sentence, `standing` has the hosts by how they stood then, `ways_on` what goes on from there; all are empty until it
    has ended. `nothing_needed` says that the condition of each step was not met. `unproven` says why it is no proof
    that its runbook works; empty when it is one. `not_called` says who was outside of their hours,
    `triggers` what the rollback triggers came to, `drill` what the drill came to that it was part of, or is `in_drill`.
    """

    run: str
    runbook: str
    title: str
    outcome: str
    environment: str
    hosts: tuple[str, ...]
    mode: str
    attempts: tuple[Attempt, ...]
    steps: tuple[StepHistory, ...]
    decisions: tuple[Decision, ...]
    timeline: tuple[Moment, ...]
    captured: Mapping[str, Mapping[str, Any]]
    pages: tuple[PageHistory, ...]
    follow_up: tuple[str, ...]
    problems: tuple[str, ...]
    glass: tuple[str, ...]
    facts: Mapping[str, Any]
    provenance: Mapping[str, Any]
    budget: float | None
    parent: str
    is_called: bool
    children: tuple[str, ...]
    called_runs: tuple[str, ...]
    waiting: str
    nothing_needed: bool
    unproven: str
    head: str
    directory: str = ""
    provide: tuple[str, ...] = ()
    acknowledged: Acknowledgement | None = None
    news_since: datetime | None = None
    ended: datetime | None = None
    abandoned: bool = False
    happened: str = ""
    standing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ways_on: tuple[NextCommand, ...] = ()
    not_called: tuple[str, ...] = ()
    ended_by: str = ""
    category: str = ""
    triggers: tuple[TriggerHistory, ...] = ()
    drill: Mapping[str, Any] = field(default_factory=dict)
    in_drill: bool = False

    @property
    def started(self) -> datetime:
        """When its first attempt began."""
        return self.attempts[0].started

    @property
    def user(self) -> str:
        """Who began it."""
        return self.attempts[0].actor.user

    @property
    def steps_and_items(self) -> tuple[StepHistory, ...]:
        """Each step as people read them, and after it each of the items for which it was done."""
        return tuple(each for step in in_reading_order(self.steps) for each in (step, *step.items))

    @property
    def status(self) -> Literal["running", "finished", "abandoned"]:
        """Whether it goes on, has come to its end, or its command died before."""
        return "abandoned" if self.abandoned else "finished" if self.ended else "running"

    @property
    def kind(self) -> str:
        """What sort of run it is, in a word."""
        return run_kind(self.mode)

    @property
    def looks(self) -> bool:
        """Whether it only looked, whatever the runbook would change."""
        return self.mode in LOOKS

    @property
    def seconds(self) -> float:
        """How long commands worked on it; the time between two attempts does not count."""
        return sum(attempt.seconds for attempt in self.attempts)

    def typed(self, words: Iterable[str]) -> str:
        """The command line with `words`, as it is typed on the machine of the run."""
        return command_line(words, str(self.provenance.get("program", "")))

    @property
    def asks_again(self) -> bool:
        """Whether whoever has the incident is asked to say so once more where it has news: that was an attempt ago."""
        return self.acknowledged is not None and self.attempts[-1].started > self.acknowledged.time

    @property
    def called(self) -> bool:
        """Whether somebody was called for it."""
        return any(page.action == "trigger" for page in self.pages)

    @property
    def undelivered(self) -> tuple[PageHistory, ...]:
        """The pages that did not arrive, unless a later attempt did or somebody has given them up."""
        return undelivered(self.pages)

    @property
    def unreached(self) -> tuple[str, ...]:
        """The contacts whom a page did not reach, each once; a note repeats what a page says."""
        return tuple(dict.fromkeys(page.contact for page in self.undelivered if page.action != "note"))


def history(records: Iterable[Record], *, now: Instant | None = None) -> RunHistory:
    """The history of the run that `records` tell of, which may not be over yet: then `now` is what time it is.

    A record that was too long for the log has lost values; what is missing is left out.

    Raises:
        ValueError: there is no record of how it started.
    """
    if found := [*dropwhile(lambda record: record.type != EventType.RUN_STARTED, records)]:
        return _history(found, now)
    raise ValueError("the audit log does not hold the start of that run")


def histories(records: Iterable[Record], *, now: Instant | None = None) -> Iterator[RunHistory]:
    """The history of every run that `records` tell of, in the order in which they began; the log is read once."""
    runs: dict[str, list[Record]] = {}
    for record in records:
        if record.type == EventType.RUN_STARTED or record.run in runs:
            runs.setdefault(record.run, []).append(record)
    yield from (_history(each, now) for each in runs.values())


def _history(every: Sequence[Record], now: Instant | None) -> RunHistory:
    records = [record for record in every if record.type not in _AFTER]
    first, data, parts = records[0], records[0].data, list(split(records))
    attempts = tuple(fold_attempts(parts, now))
    going = now if attempts[-1].outcome == RUNNING else None
    begun = [
        (part, each) for part, each in zip(parts, attempts, strict=True) if each.outcome != REFUSED or part is parts[0]
    ]
    last, end = begun[-1][1], ending(begun[-1][0])
    target = next((record.data for record in records if record.type == EventType.TARGET_RESOLVED), {})
    asked, (acknowledged, news_since) = decisions(records), acknowledgement(records)
    nothing_needed = bool(end and end.data.get("nothing_needed"))
    facts = {**data, "reason": given(parts[0]).get("reason"), "inputs": _inputs(records)}
    return RunHistory(
        run=first.run,
        runbook=record_data.text(data, "runbook"),
        title=record_data.text(data, "title"),
        outcome=last.outcome,
        environment=record_data.text(target, "environment"),
        hosts=tuple(map(str, record_data.items(target, "hosts"))),
        mode=record_data.text(data, "mode"),
        attempts=attempts,
        steps=fold_steps(data, records, now=going),
        decisions=asked,
        timeline=timeline(records),
        captured=_captured(records),
        pages=page_histories(records),
        follow_up=tuple(map(str, record_data.items(end.data, "follow_up"))) if end else (),
        problems=last.problems,
        glass=tuple(_broken(record.data) for record in records if record.type == EventType.GLASS_BROKEN),
        facts={key: facts[key] for key in _FACTS if facts.get(key)},
        category=record_data.text(data, "category"),
        provenance=provenance(records),
        budget=record_data.number(parts[-1][0].data, "budget"),
        parent=record_data.text(data, "parent"),
        is_called=bool(data.get("called")),
        children=_as_runs(records, EventType.RUN_HANDED_OVER),
        called_runs=_as_runs(records, EventType.RUN_CALLED),
        waiting=_waiting(asked[-1]) if going and asked else "",
        nothing_needed=nothing_needed,
        unproven=_unproven([each for _, each in begun], asked, nothing_needed=nothing_needed),
        head=f"{records[-1].seq}:{records[-1].hash}",
        directory=record_data.text(data, "directory"),
        acknowledged=acknowledged,
        ended_by=ended_by(records),
        news_since=news_since,
        not_called=tuple(dict.fromkeys(passed_over(each) for each in records if each.type in _PASSED_OVER)),
        provide=tuple(map(str, record_data.items(parts[-1][0].data, "provide"))),
        ended=end.time if end else None,
        abandoned=bool(end and end.type == EventType.RUN_ABANDONED),
        triggers=trigger_histories(records),
        drill=next((record.data for record in reversed(every) if record.type == EventType.DRILL_FINISHED), {}),
        in_drill=bool(data.get("drill")),
        **_ending(end.data if end else {}),
    )


_PASSED_OVER = frozenset({EventType.CONTACT_PASSED_OVER})
_FACTS = ("severity", "reason", "ladder", "inventories", "limit", "inputs", "runbook_sha256", "playbook_sha256")


def _inputs(records: Sequence[Record]) -> Any:
    """What the run was given: a record of its own says it, or the first one in the log of an earlier version."""
    given = next((record for record in records if record.type == EventType.INPUTS_GIVEN), records[0])
    return given.data.get("inputs")


def _as_runs(records: Sequence[Record], kind: EventType) -> tuple[str, ...]:
    """The other runs of which the records of that kind tell, each once."""
    return tuple(dict.fromkeys(record_data.text(each.data, "as_run") for each in records if each.type == kind))


def _unproven(attempts: Sequence[Attempt], asked: Iterable[Decision], *, nothing_needed: bool) -> str:
    """Why the run is no proof that its runbook works."""
    last = attempts[-1]
    if last.mode in LOOKS:
        return "it only looked"
    if last.outcome != Outcome.PASSED:
        return f"it ended as {last.outcome}" if last.outcome != RUNNING else "it has not ended"
    if nothing_needed:
        return "none of its steps was needed"
    if len({(attempt.runbook_sha256, attempt.playbook_sha256) for attempt in attempts}) > 1:
        return "it began with one text and ended with another"
    vouched = [
        each.step for each in asked if each.by == NOBODY and each.kind in _BY_HAND and each.outcome == Outcome.PASSED
    ]
    return f"nobody did {', '.join(dict.fromkeys(vouched))}" if vouched else ""


_BY_HAND = frozenset({"manual", "confirm"})
"""What a person does or sees; a yes of nobody to these says that it was not done."""


def _waiting(last: Decision) -> str:
    """The question that was asked last, in one line, as long as nobody has answered it."""
    return f"{last.kind}: {' '.join(last.text.split())}" if not last.outcome else ""


def _ending(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the record of its end says to whoever goes on from there."""
    standing = record_data.mapping(data, "standing")
    return {
        "happened": record_data.text(data, "happened"),
        "standing": {name: tuple(map(str, record_data.items(standing, name))) for name in standing},
        "ways_on": tuple(map(NextCommand.read, record_data.mappings(data, "ways_on"))),
    }


def _broken(data: Mapping[str, Any]) -> str:
    past = "; ".join(map(str, record_data.items(data, "overrides"))) or "no guard, as all of them were met"
    return f"{record_data.text(data, 'by')} broke the glass: {record_data.text(data, 'reason')} (past {past})"


def _captured(records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    captured: dict[str, dict[str, Any]] = {}
    for record in records:
        if record.type == EventType.VALUES_CAPTURED:
            values = record.data.get("values")
            # Values that were too long for the log are only a note that says so.
            kept = values if isinstance(values, Mapping) else {"": values or record.data.get("cut")}
            captured.setdefault(record.host or "", {}).update(kept)
    return captured
