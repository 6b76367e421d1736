"""`baseline`: what the same probe has found before step 1, to compare with."""

from collections.abc import Mapping

from pydantic import InstanceOf
from pydantic.json_schema import SkipJsonSchema

from runner.kinds.values import BASELINE, Expression, TakenBaseline
from runner.kinds.verifications.base import VerificationKind


class Baseline(VerificationKind):
    """The number that is taken before step 1, without being asked for; a condition compares with it as `baseline`.

    It is a prerequisite that captures: without a number there, the run stops before step 1. It is not taken again.
    """

    key = BASELINE
    example = """\
- says: The number of errors is within the baseline
  sql: SELECT count(*) AS errors FROM log WHERE level = 'error'
  baseline: row.errors
  that: row.errors <= baseline * 1.2
"""

    baseline: Expression | SkipJsonSchema[InstanceOf[TakenBaseline]]

    @property
    def names(self) -> Mapping[str, str]:
        """The number, where it is taken."""
        return {"baseline": self.baseline.name} if isinstance(self.baseline, TakenBaseline) else {}

    def describe(self) -> str:
        """Nothing: what is compared with it says more."""
        return ""
