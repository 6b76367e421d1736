"""`sql`: one statement through psql on the host, with bound parameters and typed rows."""

from __future__ import annotations

from datetime import timedelta

from runner.kinds.invocation import Invocation, psql
from runner.kinds.steps.base import ReadFile, StepKind
from runner.kinds.verifications.sql_probe import Statement


class Sql(Statement, StepKind):
    """The statement's `rows`, and the first of them as `row`, are there for conditions and captures."""

    key = "sql"

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The statement under `timeout`."""
        del read_file
        return psql(self.sql, self.params, timeout=timeout)
