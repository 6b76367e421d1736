"""`sql`: one statement through psql on the host, with bound parameters and typed rows."""

from __future__ import annotations

from datetime import timedelta

from runner.steps.base import ReadFile, StepKind
from runner.tasks import Invocation, psql
from runner.verifications.sql import Statement


class Sql(Statement, StepKind):
    """The statement's `rows`, and the first of them as `row`, are there for conditions and captures."""

    key = "sql"

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The statement under `timeout`."""
        del read_file
        return psql(self.sql, self.params, timeout=timeout)
