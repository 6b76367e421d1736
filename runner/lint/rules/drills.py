"""Rules about how a runbook is rehearsed."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule
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
    + "    - {id: room, name: There is room, command: df /data, verify: [{that: stdout_lines | length == 2}]}\n",
)
def proof_repeats_runbook(context: LintContext) -> Iterator[Hit]:
    """What proves a drill and is verified by the runbook itself."""
    if context.runbook.drill is None:
        return
    own = [_look(step, each) for step in context.runbook.every_step for each in step.verify]
    for number, step in enumerate(context.runbook.drill.proof):
        for nth, each in enumerate(step.verify):
            if _look(step, each) in own:
                message = "the runbook itself verifies exactly this"
                yield Hit(("drill", "proof", number, "verify", nth), message, "look at it from elsewhere, or at more")


def _look(step: Step, verification: Verification) -> tuple[object, ...]:
    """What is looked at: by the verification itself, or else what the action of its step tells."""
    probes = any(kind.probes for kind in verification.kinds)
    return verification.kinds, None if probes else step.action
