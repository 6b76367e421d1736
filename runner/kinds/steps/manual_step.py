"""`manual`: what a person does, and says when it is done."""

from runner.core.fields import Prose
from runner.kinds.steps.base import StepKind


class ManualStep(StepKind):
    """An instruction; the run waits for a person, and without one it is denied."""

    key = "manual"
    example = """\
- id: find-cause
  name: Find the cause
  manual: Read the deployments of the last 24 hours and the query log
  verify: [{confirm: The cause is named in the note}]
"""
    human = True

    manual: Prose
