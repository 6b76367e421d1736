"""`sql`: a query through psql on the host, judged by its rows."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from runner.core.identifiers import Variable
from runner.core.templates import check_templates, expressions
from runner.kinds.base import Kind
from runner.kinds.invocation import Invocation, psql
from runner.kinds.sql_text import check_statement
from runner.kinds.verifications.base import VerificationKind


def _bindable(value: Any) -> Any:
    if isinstance(value, list) and any(isinstance(item, str) and expressions(item) for item in value):
        raise ValueError("give the whole list as one {{ template }}")
    return check_templates(value)


Scalar = str | int | float | bool
Value = Annotated[Scalar | list[Scalar], AfterValidator(_bindable)]


class Statement(Kind):
    """One SQL statement, and the values that are bound in it."""

    key = "sql"

    params: dict[Variable, Value] = Field(
        default={}, description="Values that are bound in the statement as %(name)s, never pasted into it"
    )
    sql: str

    @field_validator("sql")
    @classmethod
    def _bound(cls, sql: str, info: ValidationInfo) -> str:
        if "params" in info.data:  # else they have a fault of their own
            check_statement(sql, info.data["params"])
        return sql

    @property
    def sql_statement(self) -> str:
        """The statement."""
        return self.sql


class SqlProbe(Statement, VerificationKind):
    """The query's `rows`, and the first of them as `row`, are there to judge."""

    example = """\
- {says: No session waits, sql: SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted, that: row.waiting == 0}
"""

    def probe(self, timeout: timedelta) -> Invocation:
        """The query."""
        return psql(self.sql, self.params, timeout=timeout)

    def describe(self) -> str:
        """The query's first line."""
        return f"SQL: {self.sql.strip().splitlines()[0]}"
