"""When somebody is called, whom, and with what; and telling them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from runner.channels.base import Page, Receipt, Severity, deliver
from runner.core.events import IN_WORDS, Event, EventType, Outcome
from runner.model.contacts import Contact
from runner.model.runbook import Escalation, Runbook, Unresolved
from runner.model.step import Step

_SEVERITIES: Mapping[str, Severity] = {
    "P0": "critical",
    "P1": "critical",
    "P2": "error",
    "P3": "warning",
    "critical": "critical",
    "warning": "warning",
    "info": "info",
}
"""Both of the teams' scales in PagerDuty's words."""

_ACTIONS = frozenset({EventType.STEP_INTENDED, EventType.STEP_FINISHED, EventType.GATE_ANSWERED})
_PROOFS = frozenset({EventType.ACTION_FINISHED, EventType.VERIFICATION_FINISHED, EventType.GATE_ANSWERED})


@dataclass(frozen=True, slots=True)
class SentPage:
    """A page that was sent: to whom, and what came back."""

    contact: str
    receipt: Receipt


def reason_to_call(
    policy: Escalation,
    failed: Sequence[Step],
    declared: str | None,
    otherwise: str | None = None,
    *,
    why: Mapping[str, str] = MappingProxyType({}),
) -> str | None:
    """Why somebody must be called now that the run has stopped, None when nobody must.

    `otherwise` is why it stopped where none of its steps failed; `why` has for a step, by its id, what was seen.
    """
    if declared:
        return f"declared: {declared}"
    if "step_failed" not in policy.when:
        return None
    if not failed:
        return otherwise
    return ": ".join(["step failed", failed[0].name, *filter(None, [why.get(failed[0].id)])])


def patience(policy: Escalation) -> float | None:
    """Seconds after which an unfinished run calls somebody, None for never."""
    waits = [item.unresolved_for.total_seconds() for item in policy.when if isinstance(item, Unresolved)]
    return min(waits, default=None)


def dedup_key(runbook: str, environment: str, hosts: Sequence[str]) -> str:
    """The name of an incident: the same runbook against the same hosts is the same incident, whichever run sees it.

    Where no host is known yet, `hosts` has what was aimed at.
    """
    where = hashlib.sha256("\n".join(sorted(hosts)).encode()).hexdigest()[:16]
    return f"runbookctl/{runbook}/{environment}/{where}"


def make_page(
    runbook: Runbook,
    *,
    action: Literal["trigger", "resolve"],
    reason: str,
    environment: str,
    hosts: Sequence[str],
    details: Mapping[str, Any],
    timestamp: datetime,
) -> Page:
    """The page that says that `runbook` needs somebody, or no longer does."""
    return Page(
        action=action,
        dedup_key=dedup_key(runbook.id, environment, hosts),
        summary=f"{runbook.id} {runbook.title} ({environment}): {reason}",
        severity=_SEVERITIES[runbook.severity],
        source=", ".join(hosts) or environment,
        component=runbook.id,
        group=environment,
        details=details,
        timestamp=timestamp,
    )


def packet(
    runbook: Runbook, history: Sequence[tuple[datetime, Event]], captured: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The hand-off packet: each item that the runbook promises to `provide`, with what this run knows of it.

    `timeline`, `actions`, `failure` and `trend` (what the sampled verifications saw) are known to every run; another
    word stands for the input, or for the value captured on each host, of that name. What is not known is said to be so,
    so that nobody waits for it.
    """
    items = {**_of_every_run(history), **_inputs(history)}
    for name in {name for values in captured.values() for name in values}:
        items[name] = {host: values[name] for host, values in captured.items() if name in values}
    return {label: _provide(label, items) for label in runbook.escalation.provide}


def _of_every_run(history: Sequence[tuple[datetime, Event]]) -> dict[str, Any]:
    return {
        "timeline": [_line(time, event) for time, event in history if event.type in IN_WORDS],
        "actions": [_line(time, event) for time, event in history if event.type in _ACTIONS],
        "failure": [_line(time, event) for time, event in history if event.type in _PROOFS and _is_bad(event)],
        "trend": [
            {"step": event.step, "host": event.host, "saw": event.data["trend"]}
            for _, event in history
            if "trend" in event.data
        ],
    }


def _is_bad(event: Event) -> bool:
    return bool(event.data["outcome"] != Outcome.PASSED)


def _inputs(history: Sequence[tuple[datetime, Event]]) -> Mapping[str, Any]:
    return next((event.data["inputs"] for _, event in history if event.type is EventType.RUN_STARTED), {})


def _provide(label: str, items: Mapping[str, Any]) -> Any:
    words = re.findall(r"[a-z0-9_]+", label.lower())
    for name in ("_".join(words), *words):
        if name in items:
            return items[name]
    return "not known to this run; ask the operator"


def _line(time: datetime, event: Event) -> str:
    where = f" {event.step}" * bool(event.step) + f" on {event.host}" * bool(event.host)
    words = [str(event.data[key]) for key in ("outcome", "reason", "by", "note", "declared") if event.data.get(key)]
    return f"{time:%H:%M:%S} {IN_WORDS.get(event.type, 'action')}{where}" + (f": {', '.join(words)}" if words else "")


def tell(
    page: Page, contacts: Mapping[str, Contact], names: Iterable[str], secrets: Callable[[str], str]
) -> list[SentPage]:
    """Send `page` through every channel of each contact in `names`."""
    pages = []
    for name in names:
        contact = contacts.get(name)
        channels = contact.channels if contact else ()
        if not channels:
            pages.append(SentPage(name, Receipt("none", "refused", 0, "this contact has no channel in contacts.yml")))
        pages.extend(SentPage(name, deliver(channel, page, secrets)) for channel in channels)
    return pages
