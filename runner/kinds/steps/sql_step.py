"""`sql`: one statement through psql on the host, with bound parameters and typed rows."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from runner.kinds.base import ReadFile
from runner.kinds.invocation import Invocation, psql
from runner.kinds.steps.base import Fence, StepKind
from runner.kinds.verifications.sql_probe import Statement


class SqlStep(Statement, StepKind):
    """The statement's `rows`, and the first of them as `row`, are there for conditions and captures."""

    example = """\
- id: terminate-stuck
  name: Terminate the stuck sessions
  effect: destructive
  approve: Terminate the stuck sessions?
  sql: SELECT pg_terminate_backend(pid) FROM unnest(%(pids)s::int[]) AS pid
  params: {pids: "{{ stuck_pids }}"}
  verify: [{sql: SELECT count(*) AS used FROM pg_stat_activity, that: row.used < 70, within: 2m}]
"""

    fence = Fence("sql", frozenset({"sql", "postgresql", "postgres", "pgsql", "psql", "plpgsql"}), holds="sql")

    @classmethod
    def fenced(cls, written: Mapping[str, Any]) -> str:
        """The statement with `<name>` for each parameter that is the input of the same name."""
        statement, params = super().fenced(written), written.get("params")
        for name, given in params.items() if isinstance(params, Mapping) else ():
            if given == f"{{{{ {name} }}}}":
                statement = statement.replace(f"%({name})s", f"<{name}>")
        return statement

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The statement under `timeout`."""
        return psql(self.sql, self.params, timeout=timeout)
