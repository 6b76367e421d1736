"""The report of a run, made from the records of the audit log and from nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from runner import duration
from runner.events import EventType, Outcome
from runner.observation import Observation
from runner.record.audit_log import Record

FORMATS = ("md", "html", "json")


@dataclass(frozen=True)
class Check:
    """One verification, or one answer of a person, on one host: what was expected, and how it was.

    `number` counts the step's verifications from 1 and is 0 for an approval, and for the action where it did not pass.
    `reason` says why it did not, or who answered and with which note. `trend` is what the samples saw, first to last;
    `seen` what there was to see where it did not pass: values, exit code and the last lines of the output.
    """

    number: int
    says: str
    host: str
    outcome: str
    reason: str = ""
    trend: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepReport:
    """One step: its outcome on each host, and each of its checks in the order in which they were made."""

    id: str
    name: str
    effect: str
    hosts: Mapping[str, str]
    checks: tuple[Check, ...] = ()

    @property
    def outcome(self) -> str:
        """The one outcome when all hosts agree, else each with its number."""
        found = list(self.hosts.values())
        if len(set(found)) == 1:
            return found[0]
        return ", ".join(f"{found.count(word)} {word}" for word in dict.fromkeys(found)) or Outcome.NEVER_REACHED


@dataclass(frozen=True)
class Moment:
    """A line of the timeline: when, since the start, what, where, and what there is to say about it."""

    time: str
    since: str
    what: str
    where: str = ""
    detail: str = ""


@dataclass(frozen=True)
class RunReport:
    """What happened in one run, for whoever comes after; `head` is the audit log's after the last record it is of.

    `glass` says who went past the guards, why, and past which.
    """

    run: str
    runbook: str
    title: str
    outcome: str
    environment: str
    hosts: tuple[str, ...]
    started: str
    duration: str
    user: str
    controller: str
    facts: Mapping[str, Any]
    steps: tuple[StepReport, ...]
    timeline: tuple[Moment, ...]
    captured: Mapping[str, Mapping[str, Any]]
    pages: tuple[Mapping[str, Any], ...]
    follow_up: tuple[str, ...]
    head: str
    problems: tuple[str, ...] = ()
    glass: tuple[str, ...] = ()


def summarise(records: Iterable[Record]) -> RunReport:
    """The report of the run that `records` tell of, which may not be over yet.

    A record that was too long for the log has lost values; what is missing is left out of the report.

    Raises:
        ValueError: there is no record of how it started.
    """
    told = [record for record in records if record.type != EventType.RUN_FILED]  # which comes after the report
    first = next((record for record in told if record.type == EventType.RUN_STARTED), None)
    if first is None:
        raise ValueError("the audit log does not hold the start of that run")
    last = told[-1]
    end = next((record.data for record in told if record.type in _ENDS), {})
    target = next((record.data for record in told if record.type == EventType.TARGET_RESOLVED), {})
    return RunReport(
        run=first.run,
        runbook=_text(first.data, "runbook"),
        title=_text(first.data, "title"),
        outcome=_text(end, "outcome") or ("unknown" if end else "running"),
        environment=_text(target, "environment") or "not known",
        hosts=tuple(map(str, _list(target, "hosts"))),
        started=_clock(first.time),
        duration=_since(first, last),
        user=first.actor.user,
        controller=first.actor.host,
        facts={key: first.data[key] for key in _FACTS if first.data.get(key)},
        steps=tuple(_step(item, told) for item in _steps(first, told)),
        timeline=tuple(_moment(first, record) for record in told if record.type in _TOLD),
        captured=_captured(told),
        pages=tuple(record.data for record in told if record.type == EventType.PAGE_FINISHED),
        follow_up=tuple(map(str, _list(end, "follow_up"))),
        head=f"{last.seq}:{last.hash}",
        problems=tuple(map(str, _list(end, "problems"))),
        glass=tuple(_broken(record.data) for record in told if record.type == EventType.GLASS_BROKEN),
    )


def _broken(data: Mapping[str, Any]) -> str:
    past = "; ".join(map(str, _list(data, "overrides"))) or "no guard, as all of them were met"
    return f"{_text(data, 'by')} broke the glass: {_text(data, 'reason')} (past {past})"


_ENDS = frozenset({EventType.RUN_FINISHED, EventType.RUN_ABANDONED})
_FACTS = (
    "severity",
    "reason",
    "inventories",
    "limit",
    "inputs",
    "runbook_sha256",
    "playbook_sha256",
    "tool_version",
)
_TOLD = {
    EventType.RUN_STARTED: "run started",
    EventType.RUN_RESUMED: "run resumed",
    EventType.LOCK_AWAITED: "waited",
    EventType.TARGET_RESOLVED: "hosts resolved",
    EventType.GUARD_CHECKED: "guard",
    EventType.GLASS_BROKEN: "BREAK GLASS",
    EventType.PREFLIGHT_FINISHED: "preflight",
    EventType.DEBT_FOUND: "debt found",
    EventType.GATE_ASKED: "asked",
    EventType.VOTE_GIVEN: "voted",
    EventType.GATE_ANSWERED: "answered",
    EventType.STEP_INTENDED: "began",
    EventType.VERIFICATION_FINISHED: "verified",
    EventType.STEP_FINISHED: "ended",
    EventType.STEP_REOPENED: "reopened",
    EventType.DEBT_MADE: "debt made",
    EventType.DEBT_PAID: "debt paid",
    EventType.RUN_CANCELLED: "cancelled",
    EventType.RUN_HANDED_OVER: "handed over",
    EventType.ESCALATION_DECLARED: "declared",
    EventType.PAGE_FINISHED: "page",
    EventType.RUN_ABANDONED: "run abandoned",
    EventType.RUN_FINISHED: "run finished",
}
_DETAILS = (
    "guard",
    "verdict",
    "required",
    "given",
    "action",
    "kind",
    "text",
    "contact",
    "channel",
    "outcome",
    "status",
    "reason",
    "by",
    "vote",
    "note",
    "refused",
    "declared",
)


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return "" if value is None else str(value)


def _list(data: Mapping[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    return value if isinstance(value, list) else []


def _steps(first: Record, told: Iterable[Record]) -> list[Mapping[str, Any]]:
    seen = {record.step for record in told}
    steps = [item for item in _list(first.data, "steps") if isinstance(item, Mapping)]
    undone = [item for item in _list(first.data, "undo") if isinstance(item, Mapping) and item.get("id") in seen]
    # What was done under a name that the first record lost is told as well.
    known = {item.get("id") for item in (*steps, *undone)}
    lost = dict.fromkeys(record.step for record in told if record.step and record.step not in known)
    return [*steps, *undone, *({"id": step, "name": step} for step in lost)]


def _step(item: Mapping[str, Any], told: Iterable[Record]) -> StepReport:
    mine = [record for record in told if record.step == item.get("id")]
    finished = [record for record in mine if record.type == EventType.STEP_FINISHED]
    return StepReport(
        id=_text(item, "id"),
        name=_text(item, "name"),
        effect=_text(item, "effect"),
        hosts={record.host or "": _text(record.data, "outcome") or Outcome.UNKNOWN for record in finished},
        checks=tuple(check for record in mine for check in _checks(record, item)),
    )


def _checks(record: Record, item: Mapping[str, Any]) -> Iterator[Check]:
    data, outcome = record.data, _text(record.data, "outcome") or Outcome.UNKNOWN
    # An action that passed shows in what was verified of it.
    told = record.type in _CHECKS or (record.type == EventType.ACTION_FINISHED and outcome != Outcome.PASSED)
    if told:
        number = _number(record)
        verify = _list(item, "verify")
        says = str(verify[number - 1]) if 0 < number <= len(verify) else ""
        answer = ": ".join(filter(None, (_text(data, "by"), _text(data, "note"))))
        yield Check(
            number=number,
            # A prerequisite that is ticked off has no other name than what it says.
            says=says if says and says != item.get("name") else _DONE.get(_text(data, "kind"), says or "The action"),
            host=record.host or "",
            outcome=outcome,
            reason=_text(data, "reason") or answer,
            trend=tuple(map(str, _list(data, "trend"))),
            seen=tuple(Observation.from_data(data.get("seen")).paragraphs()),
        )


def _number(record: Record) -> int:
    numbered = re.fullmatch(r"verify/([0-9]{1,3})", _text(record.data, "part"))
    return int(numbered[1]) if numbered else 0


_CHECKS = frozenset({EventType.VERIFICATION_FINISHED, EventType.GATE_ANSWERED})
_DONE = {"approve": "Approved", "manual": "Done by hand", "confirm": "Confirmed"}


def _moment(first: Record, record: Record) -> Moment:
    where = (record.step or "") + (f" on {record.host}" if record.host else "")
    words = [_text(record.data, key) for key in _DETAILS if record.data.get(key)]
    return Moment(_clock(record.time), _since(first, record), _TOLD[EventType(record.type)], where, ": ".join(words))


def _captured(told: Iterable[Record]) -> dict[str, dict[str, Any]]:
    captured: dict[str, dict[str, Any]] = {}
    for record in told:
        if record.type == EventType.VALUES_CAPTURED:
            values = record.data.get("values")
            # Values that were too long for the log are only a note that says so.
            kept = values if isinstance(values, Mapping) else {"": values or record.data.get("cut")}
            captured.setdefault(record.host or "", {}).update(kept)
    return captured


def _clock(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _since(first: Record, record: Record) -> str:
    # The wall clock may jump; the monotonic one only counts within one boot.
    same_boot = first.boot == record.boot
    seconds = record.monotonic - first.monotonic if same_boot else (record.time - first.time).total_seconds()
    return duration.show(timedelta(seconds=round(seconds))) if seconds >= 60 else f"{seconds:.1f}s"  # noqa: PLR2004


def render(report: RunReport, form: str) -> str:
    """The report as `md`, `html` or `json`."""
    from runner.record import rendering  # noqa: PLC0415 - only a report pays for the import of its templates

    return rendering.render(report, form)


def write(report: RunReport, directory: Path) -> Path:
    """Write the report in every format into `directory`; the path of the one that people read."""
    for form in FORMATS:
        (directory / f"report.{form}").write_text(render(report, form), encoding="utf-8")
    return directory / "report.html"
