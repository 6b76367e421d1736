"""`run`: another runbook does the step, in a run of its own on the hosts of the step."""

from datetime import timedelta

from runner.core.identifiers import RunbookId, Variable
from runner.kinds.base import ReadFile
from runner.kinds.steps.base import StepKind
from runner.kinds.values import InputValue, OtherRunbook


class RunStep(StepKind):
    """The id of a runbook that is run for this step; `capture` takes what that has captured, by its name."""

    key = "run"
    example = """\
- id: failover
  name: Fail the database over
  run: RUN-032
  inputs: {primary: db1}
  verify: [{sql: SELECT pg_is_in_recovery() AS replica, that: not row.replica}]
"""

    verifies_itself = True

    run: RunbookId
    inputs: dict[Variable, InputValue] = {}

    @property
    def runs(self) -> OtherRunbook:
        """That runbook, and what it is given."""
        return OtherRunbook(run=self.run, inputs=self.inputs)

    def call(self, timeout: timedelta, read_file: ReadFile) -> None:
        """No call is made on a host by the step itself."""

    def describe(self) -> str:
        """What is run, in one line."""
        return self.runs.in_words({})
