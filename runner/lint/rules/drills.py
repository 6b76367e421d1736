"""Rules about how a runbook is rehearsed."""

from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule
from runner.model.checks.condition_truth import met_by_nothing
from runner.model.step import Step
from runner.model.verification import Verification

_DRILL = """\
drill:
  probe: {http: http://app/health}
  inject: [{id: fill, name: Fill the disk, command: fallocate -l 9G /data/fill, verify: [{exit: 0}]}]
  symptom: [{id: full, name: The disk is full, command: df /data, verify: [{matches: 100%}]}]
  proof:
"""
_MENDED = """\
steps:
  - {id: mend, name: Rotate the logs, command: logrotate -f /etc/a, verify: [{command: test ! -e /data/fill}]}
"""


@Rule(
    "proof-repeats-runbook",
    Level.ERROR,
    Criterion.TESTED,
    problem="A proof that is one of the runbook's own verifications adds nothing to what the run has claimed.",
    wrong=_MENDED + _DRILL + "    - {id: gone, name: It is gone, verify: [{command: test ! -e /data/fill}]}\n",
    right=_MENDED
    + _DRILL
    + "    - {id: room, name: There is room, command: df /data, verify: [{that: stdout.splitlines() | length == 2}]}\n",
)
def proof_repeats_runbook(context: LintContext) -> Iterator[Hit]:
    """What proves a drill and is verified by the runbook itself."""
    own = [_look(step, each) for step in context.runbook.every_step for each in step.verify]
    for number, drill in enumerate(context.runbook.drill):
        for nth, step in enumerate(drill.proof):
            for at, each in enumerate(step.verify):
                if _look(step, each) in own:
                    message = "the runbook itself verifies exactly this"
                    place: Place = ("drill", number, "proof", nth, "verify", at)
                    yield Hit(place, message, "look at it from elsewhere, or at more")


def _look(step: Step, verification: Verification) -> tuple[object, ...]:
    """What is looked at: by the verification itself, or else what the action of its step tells."""
    probes = any(kind.probes for kind in verification.kinds)
    return verification.kinds, None if probes else step.action


_LOCKS = """\
    - name: Nobody waits
      sql: SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted
      that: row.waiting == 0
"""
_ALL_LOCKS = """\
    - name: Nobody waits
      sql: SELECT count(*) AS locks, count(*) FILTER (WHERE NOT granted) AS waiting FROM pg_locks
      that: [row.waiting == 0, row.locks > 0]
"""


@Rule(
    "proof-of-nothing",
    Level.ERROR,
    Criterion.TESTED,
    problem="A proof that holds of nothing at all is green as well where all is lost, or the wrong database was asked.",
    wrong=_MENDED + _DRILL + _LOCKS,
    right=_MENDED + _DRILL + _ALL_LOCKS,
)
def proof_of_nothing(context: LintContext) -> Iterator[Hit]:
    """What proves a drill by numbers and texts alone, each of which may be zero or empty."""
    for number, drill in enumerate(context.runbook.drill):
        for nth, step in enumerate(drill.proof):
            if step.verify and all(map(_holds_of_nothing, step.verify)):
                hint = "want something that must be there as well: `row.orders >= 1000`"
                yield Hit(("drill", number, "proof", nth), "holds also where there is nothing at all", hint)


def _holds_of_nothing(verification: Verification) -> bool:
    judging = [kind.expressions for kind in verification.kinds if not kind.probes]
    only_by_conditions = bool(judging) and all(judging)
    return only_by_conditions and all(map(met_by_nothing, verification.expressions))


_UNPROVEN = """\
drill:
  probe: {http: http://app/health}
  inject: {command: fallocate -l 9G /data/fill}
  symptom: {that: status == 507}
"""


@Rule(
    "drill-without-proof",
    Level.WARNING,
    Criterion.TESTED,
    problem="A system that answers again may have lost what it had: without a proof, nobody has looked.",
    wrong=_MENDED + _UNPROVEN,
    right=_MENDED + _UNPROVEN + "  proof: {command: cat /data/journal, that: stdout.splitlines() | length >= 100}\n",
)
def drill_without_proof(context: LintContext) -> Iterator[Hit]:
    """A drill after which nobody looks whether something is lost."""
    for number, drill in enumerate(context.runbook.drill):
        if not drill.proof:
            yield Hit(("drill", number), "nothing is proven besides what the probe sees", "add `proof`")
