"""`read-only-prerequisite`: a prerequisite proves that one may read, and a step writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Placed, Rule


class _Access(NamedTuple):
    """A thing that is reached: what proves that one may read it, what writes it, what proves that one may."""

    reads: re.Pattern[str]
    writes: re.Pattern[str]
    may_write: re.Pattern[str]
    probe: str


def _access(reads: str, writes: str, may_write: str, probe: str) -> _Access:
    patterns = [re.compile(pattern, re.IGNORECASE) for pattern in (reads, writes, may_write)]
    return _Access(patterns[0], patterns[1], patterns[2], probe)


_ACCESSES = (
    _access(
        r"\bkubectl\s.*\b(?:can-i\s+(?:get|list|watch)|get|describe|cluster-info)\b",
        r"\bkubectl\s(?!auth\b).*\b(?:apply|create|delete|patch|scale|drain|cordon|rollout\s+(?:undo|restart))\b",
        r"\bcan-i\s+(?:create|update|patch|delete|'?\*)",
        "kubectl auth can-i with the verb of the step",
    ),
    _access(r"\bgit\s+(?:ls-remote|fetch)\b", r"\bgit\s+push\b", r"\bgit\s+push\s.*--dry-run", "git push --dry-run"),
    _access(
        r"\baws\s+(?:s3\s+ls|\S+\s+(?:describe|list|get)-\S+)",
        r"\baws\s+(?:s3\s+(?:cp|rm|mv|sync)|\S+\s+(?:delete|terminate|create|update|modify|reboot|stop|start|put)-\S+)",
        r"simulate-principal-policy|--dry-run",
        "the step's own call with --dry-run",
    ),
)
_SQL_MAY_WRITE = re.compile(
    r"(?i)pg_has_role\s*\((?![^)]*'(?:pg_read_\w+|pg_monitor|pg_stat_\w+|\w*read_?only\w*)')|rolsuper|usesuper|is_superuser|pg_is_in_recovery|transaction_read_only|table_grants"
    r"|has_\w+_privilege\s*\((?![^)]*'\s*(?:select|usage|connect)\s*')"
)
_FILE_READ = re.compile(r"(?:\btest\s+-[refsd]|\[\s+-[refsd]|\b(?:ls|cat|stat|head|wc)(?:\s+-\S+)*)\s+(/[\w./-]+)")
_FILE_MAY_WRITE = re.compile(r"(?:\btest\s+-w|\[\s+-w)\s+(/[\w./-]+)")
_WORDS_READ = re.compile(r"(?i)\bread(?:[- ]only)?\s+(?:credentials?|access|rights?|permissions?|role|user|account)\b")
_WORDS_WRITE = re.compile(
    r"(?i)\b(?:write|admin\w*|superuser|may\s+(?!read|see)\w+|signal|delete|change|full\s+access)\b"
)


def _find(context: LintContext) -> Iterator[Hit]:
    prerequisites = [placed for placed in context.procedure() if placed.prerequisite]
    writes = _writes(context)
    yield from _sql(context, prerequisites)
    for access in _ACCESSES:
        yield from _matching(prerequisites, access, writes)
    yield from _files(prerequisites, writes)
    yield from _words(prerequisites, writes)


def _writes(context: LintContext) -> list[str]:
    """What each step says that changes something."""
    return [
        _words_of(work.step)
        for work in context.works()
        if work.place[0] == "steps" and not work.looks and "undo" not in work.place and context.changed_by(work)
    ]


def _words_of(step: object) -> str:
    action = getattr(step, "action", None)
    return action.describe() if action else ""


def _sql(context: LintContext, prerequisites: list[Placed]) -> Iterator[Hit]:
    queries = [each for each in prerequisites if each.step.action and each.step.action.sql_statement]
    if any(_SQL_MAY_WRITE.search(_words_of(each.step)) for each in queries):
        return
    for work in context.works():
        sql = work.kind.sql_statement and work.place[0] == "steps" and not work.looks
        if queries and sql and "undo" not in work.place and context.changed_by(work):
            probe = "pg_has_role(...), or has_table_privilege(..., 'UPDATE')"
            yield _hit(queries[0], work.step.id, probe)
            return


def _matching(prerequisites: list[Placed], access: _Access, writes: list[str]) -> Iterator[Hit]:
    words = [(placed, _words_of(placed.step)) for placed in prerequisites]
    if any(access.writes.search(text) for text in writes) and not any(
        access.may_write.search(text) for _, text in words
    ):
        for placed, text in words:
            if access.reads.search(text) and placed.step.action:
                yield _hit(placed, "a step", access.probe)


def _files(prerequisites: list[Placed], writes: list[str]) -> Iterator[Hit]:
    writable = [match[1] for each in prerequisites for match in _FILE_MAY_WRITE.finditer(_words_of(each.step))]
    for placed in prerequisites:
        match = _FILE_READ.search(_words_of(placed.step))
        if match and placed.step.action and not any(match[1].startswith(path) for path in writable):
            path = re.escape(match[1].rstrip("/"))
            if any(re.search(rf"(?<![\w.-]){path}(?![\w.-])", text) for text in writes):
                yield _hit(placed, "a step", f"test -w {match[1]}")


def _words(prerequisites: list[Placed], writes: list[str]) -> Iterator[Hit]:
    if not writes or any(_WORDS_WRITE.search(f"{each.step.name} {each.step.verify[0].says}") for each in prerequisites):
        return
    for placed in prerequisites:
        words = _WORDS_READ.search(placed.step.name)
        if placed.step.action is None and words:
            yield Hit(
                (*placed.place, "confirm"), "asks for read access only, and a step writes", "ask for what it needs"
            )


def _hit(placed: Placed, who: str, probe: str) -> Hit:
    place = (*placed.place, placed.step.action.key) if placed.step.action else placed.place
    return Hit(place, f"proves that one may read, and {who} writes", f"look whether one may write: {probe}")


RULE = Rule(
    id="read-only-prerequisite",
    level=Level.WARNING,
    criterion=Criterion.ACTIONABLE,
    problem="Credentials that may read pass the prerequisite, and the run fails in the middle, where it writes.",
    wrong="""\
prerequisites:
  - name: The cluster can be reached
    command: kubectl get deployments
    verify: [{exit: 0}]
steps:
  - {id: grow, name: Add workers, command: kubectl scale deployment/worker --replicas=5, verify: [{exit: 0}]}
""",
    right="""\
prerequisites:
  - name: The deployments may be changed
    command: kubectl auth can-i patch deployments
    verify: [{exit: 0}]
steps:
  - {id: grow, name: Add workers, command: kubectl scale deployment/worker --replicas=5, verify: [{exit: 0}]}
""",
    find=_find,
)
