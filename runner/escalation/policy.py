"""When somebody is called and whom; and telling them."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from runner.channels.base import Action, Page, Severity
from runner.model.escalation_policy import Escalation, Unresolved
from runner.model.runbook import Runbook

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


UNKNOWN = "unknown"
"""The environment of a run of which nobody knows the hosts yet."""


def patience(policy: Escalation) -> float | None:
    """Seconds after which an unfinished run calls somebody, None for never."""
    waits = [item.unresolved_for.total_seconds() for item in policy.when if isinstance(item, Unresolved)]
    return min(waits, default=None)


def is_critical(runbook: Runbook) -> bool:
    """Whether somebody must hear of it when a run of `runbook` dies, by whatever."""
    return _SEVERITIES[runbook.severity] == "critical"


def dedup_key(runbook: str, environment: str, hosts: Sequence[str]) -> str:
    """The name of an incident: the same runbook against the same hosts is the same incident, whichever run sees it.

    Where no host is known yet, `hosts` has what was aimed at.
    """
    where = hashlib.sha256("\n".join(sorted(hosts)).encode()).hexdigest()[:16]
    return f"runbookctl/{runbook}/{environment}/{where}"


def level_key(key: str, level: str) -> str:
    """The name of the incident `key` for those of a `level` of the ladder: another level is woken by another incident.

    The lowest level has the name itself.
    """
    return key if level == "L1" else f"{key}/{level}"


def summary(runbook: Runbook, environment: str, reason: str) -> str:
    """What a page says in one line; nothing of an environment that is not known yet."""
    where = f" ({environment})" if environment != UNKNOWN else ""
    return f"{runbook.id} {runbook.title}{where}: {reason}"


def make_page(
    runbook: Runbook,
    *,
    action: Action,
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
        summary=summary(runbook, environment, reason),
        severity=_SEVERITIES[runbook.severity],
        source=", ".join(hosts) or environment,
        component=runbook.id,
        group=environment,
        details=details,
        timestamp=timestamp,
        hosts=tuple(hosts),
    )
