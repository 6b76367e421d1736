"""`manual`: what a person does, and says when it is done."""

from __future__ import annotations

from runner.core.fields import Prose
from runner.kinds.steps.base import StepKind


class ManualStep(StepKind):
    """An instruction; the run waits for a person, and without one it is denied."""

    key = "manual"
    human = True

    manual: Prose
