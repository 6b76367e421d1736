"""Rules about what a step changes or destroys."""

import re
from collections.abc import Iterator, Mapping, Sequence

from runner.core.deferred import regex
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Placed, Rule, Work, quoted
from runner.model.step import Effect

_DELETES = """\
steps:
  - id: clean
    name: Delete the old reports
    command: rm -rf /var/reports/old
    verify: [{command: test ! -e /var/reports/old, says: The old reports are gone}]
"""


@Rule(
    "destructive-unguarded",
    Level.WARNING,
    Criterion.ACTIONABLE,
    problem="What destroys data or ends somebody's work needs a person who agrees, or a way back.",
    wrong=_DELETES,
    right=_DELETES.replace(
        "    command: rm", "    effect: destructive\n    approve: Delete the old reports?\n    command: rm"
    ),
)
def destructive_unguarded(context: LintContext) -> Iterator[Hit]:
    """Something is destroyed, and nobody is asked before and nothing undoes it."""
    found = destruction(context)
    for placed in context.procedure():
        step = placed.step
        guarded = step.approve or step.choose or step.point_of_no_return or (step.action and step.manual)
        if guarded or step.undo or placed.prerequisite or placed.place[0] == "on_cancel":
            continue
        if step.effect is Effect.DESTRUCTIVE:
            message = "destroys, and as it is called reversible nobody is asked before"
            yield Hit((*placed.place, "effect"), message, "add `approve`, or an `undo`")
        elif step.effect is Effect.CHANGE and placed.place in found:
            place, fragment = found[placed.place]
            message = f"{quoted(fragment)} destroys, and nobody is asked before"
            yield Hit(place, message, "write effect: destructive, so that the run asks first", fragment=fragment)


def destruction(context: LintContext) -> Mapping[Place, tuple[Place, str]]:
    """The place of each step whose action destroys something, with where it does and in which words."""
    found: dict[Place, tuple[Place, str]] = {}
    for work in context.works():
        if not work.looks and "undo" not in work.place and (words := context.destroyed_by(work)):
            found[work.place[:2]] = work.place, words
    return found


_LOOKS = """\
steps:
  - id: clean
    name: Look for old reports
    effect: read
    shell: rm /var/reports/old.txt
    verify: [{exit: 0}]
"""


@Rule(
    "read-that-writes",
    Level.ERROR,
    Criterion.VERIFIABLE,
    problem="Reads, prerequisites and verifications are done in a dry run and again later, so they must only look.",
    wrong=_LOOKS,
    right=_LOOKS.replace("rm ", "ls "),
    gives_way_to=("check-repeats-action",),
)
def read_that_writes(context: LintContext) -> Iterator[Hit]:
    """Something that is called a look, and changes the host."""
    for work in context.works():
        words = context.changed_by(work)
        if words and (work.looks or (work.step.effect is Effect.READ and "undo" not in work.place)):
            what = (
                "a verification" if work.looks else "a prerequisite" if work.place[0] == "prerequisites" else "a read"
            )
            only_looks = work.looks or work.place[0] == "prerequisites" or (work.step.branch and work.step.branch.asks)
            hint = "let a step do it" if only_looks else "write effect: change"
            yield Hit(work.place, f"{quoted(words)} changes something, and {what} only looks", hint, fragment=words)


_PROGRAMS = (
    (
        r"(?i)\bkubectl\s.*\b(?:can-i\s+(?:get|list|watch)|get|describe|cluster-info)\b",
        r"(?i)\bkubectl\s(?!auth\b).*\b(?:apply|create|delete|patch|scale|drain|cordon|rollout\s+(?:undo|restart))\b",
        r"(?i)\bcan-i\s+(?:create|update|patch|delete|'?\*)",
        "kubectl auth can-i with the verb of the step",
    ),
    (r"\bgit\s+(?:ls-remote|fetch)\b", r"\bgit\s+push\b", r"\bgit\s+push\s.*--dry-run", "git push --dry-run"),
    (
        r"\baws\s+(?:s3\s+ls|\S+\s+(?:describe|list|get)-\S+)",
        r"\baws\s+(?:s3\s+(?:cp|rm|mv|sync)|\S+\s+(?:delete|terminate|create|update|modify|reboot|stop|start|put)-\S+)",
        r"simulate-principal-policy|--dry-run",
        "the step's own call with --dry-run",
    ),
)
"""What proves that one may read, what writes, what proves that one may, and how to ask for that."""
_SQL_MAY_WRITE = regex(
    r"(?i)pg_has_role\s*\((?![^)]*'(?:pg_read_\w+|pg_monitor|pg_stat_\w+|\w*read_?only\w*)')"
    r"|rolsuper|usesuper|is_superuser|pg_is_in_recovery|transaction_read_only|table_grants"
    r"|has_\w+_privilege\s*\((?![^)]*'\s*(?:select|usage|connect)\s*')"
)
_FILE_READ = regex(r"(?:\btest\s+-[refsd]|\[\s+-[refsd]|\b(?:ls|cat|stat|head|wc)(?:\s+-\S+)*)\s+(/[\w./-]+)")
_FILE_MAY_WRITE = regex(r"(?:\btest\s+-w|\[\s+-w)\s+(/[\w./-]+)")
_WORDS_READ = regex(r"(?i)\bread(?:[- ]only)?\s+(?:credentials?|access|rights?|permissions?|role|user|account)\b")


@Rule(
    "read-only-prerequisite",
    Level.WARNING,
    Criterion.ACTIONABLE,
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
)
def read_only_prerequisite(context: LintContext) -> Iterator[Hit]:
    """A prerequisite proves that one may read, and a step writes."""
    writing = [
        work
        for work in context.works()
        if work.place[0] == "steps" and not work.looks and "undo" not in work.place and context.changed_by(work)
    ]
    prerequisites = [placed for placed in context.procedure() if placed.prerequisite]
    writes = [work.kind.describe() for work in writing]
    probes = [(placed, placed.step.action.describe()) for placed in prerequisites if placed.step.action]
    yield from _sql(probes, writing)
    for reads, does_write, may_write, better in _PROGRAMS:
        asked = any(re.search(may_write, text) for _, text in probes)
        if not asked and any(re.search(does_write, text) for text in writes):
            yield from (_only_reads(placed, better) for placed, text in probes if re.search(reads, text))
    yield from _files(probes, writes)
    for placed in prerequisites:
        if writes and placed.step.action is None and _WORDS_READ.search(placed.step.name):
            message, hint = "asks for read access only, and a step writes", "ask for what it needs"
            yield Hit((*placed.place, "confirm"), message, hint)


def _sql(probes: Sequence[tuple[Placed, str]], writing: Sequence[Work]) -> Iterator[Hit]:
    queries = [(placed, text) for placed, text in probes if placed.step.action and placed.step.action.sql_statement]
    if any(work.kind.sql_statement for work in writing) and not any(_SQL_MAY_WRITE.search(text) for _, text in queries):
        better = "pg_has_role(...), or has_table_privilege(..., 'UPDATE')"
        yield from (_only_reads(placed, better) for placed, _ in queries[:1])


def _files(probes: Sequence[tuple[Placed, str]], writes: Sequence[str]) -> Iterator[Hit]:
    writable = [match[1] for _, text in probes for match in _FILE_MAY_WRITE.finditer(text)]
    for placed, text in probes:
        match = _FILE_READ.search(text)
        if match and not any(match[1].startswith(path) for path in writable):
            path = re.escape(match[1].rstrip("/"))
            if any(re.search(rf"(?<![\w.-]){path}(?![\w.-])", other) for other in writes):
                yield _only_reads(placed, f"test -w {match[1]}")


def _only_reads(placed: Placed, better: str) -> Hit:
    place = (*placed.place, placed.step.action.key) if placed.step.action else placed.place
    return Hit(place, "proves that one may read, and a step writes", f"look whether one may write: {better}")
