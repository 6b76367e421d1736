"""Rules about how a runbook is rehearsed."""

from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule
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
