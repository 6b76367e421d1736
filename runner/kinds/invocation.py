"""What steps and verifications ask a host to do: a bounded command, a psql statement, an HTTP request."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field, replace
from datetime import timedelta
from functools import reduce
from math import ceil
from typing import Annotated, Any, Literal

from pydantic import Field

from runner.core.deferred import dataclass
from runner.core.duration import seconds
from runner.core.identifiers import Spelling
from runner.core.shell.shell_code import Code
from runner.core.templates import Template, filtered, has_template, only_expression
from runner.kinds.sql_text import for_psql, parameters

KILL_AFTER = timedelta(seconds=5)
TIMED_OUT = 124
"""The exit code with which coreutils' `timeout` says that it ended a command."""

STRICT = ("/bin/bash", "--norc", "-peuo", "pipefail", "-c")
"""Bash without what it would read first: ~/.bashrc, which it takes for its own below an sshd, and, by -p, $BASH_ENV."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A module call, and how its result is spoken of in a condition.

    `names` maps each name a condition may use (`rows`, `status`) to a Jinja expression over the registered result,
    which is written `REGISTER` there. `answered` is a condition that holds only when the call really got an answer, so
    that a check of something absent cannot be green; `silent` is the name that is -1 where there is none, and what says
    -1 of it may hold then. `cuts` has, for each of the names that may be of an output that was cut, an expression which
    is true when it was: then nobody knows whether what reads it holds. `may_skip` says that the module may answer that
    it did nothing, of which Ansible would make a task that has not failed. `on_controller` says that the machine where
    runbookctl runs makes it, on behalf of the host; `machine` is the one of the inventory that does so, a host or a
    group of one. One that `imports` is other tasks when Ansible reads the playbook, with `facts` once those of the host
    are known. `variables` are what its templates may use. `keeps` are facts that the record has as soon as it was made,
    by expressions over its names. A probe is not made again once the condition `settled` holds: it would answer the
    same for ever. `before` and `after` are calls that belong to it.
    """

    module: str
    args: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)
    answered: str = "REGISTER is not failed"
    silent: str = ""
    environment: Mapping[str, str] | str | None = None
    task_timeout: timedelta | None = None
    cuts: Mapping[str, str] = field(default_factory=dict)
    may_skip: bool = False
    on_controller: bool = False
    machine: str | None = None
    imports: bool = False
    variables: Mapping[str, Any] = field(default_factory=dict)
    facts: bool = False
    keeps: Mapping[str, str] = field(default_factory=dict)
    settled: str = ""
    before: tuple[SideCall, ...] = ()
    after: tuple[SideCall, ...] = ()

    def cut(self, names: Collection[str], register: str) -> list[str]:
        """Expressions, one of which is true when something of `names` was cut; `*` is all that the result has."""
        read = [cut for name, cut in self.cuts.items() if name in names or "*" in names or "results" in names]
        return list(dict.fromkeys(cut.replace("REGISTER", register) for cut in read))

    def programs(self) -> list[str]:
        """The programs that it starts, in order; for another module than Ansible's `command`, the module itself."""
        argv = list(map(str, self.args.get("argv", ())))
        if self.module != "ansible.builtin.command" or not argv:
            return [self.module]
        words = argv[3:] if argv[0] == "timeout" else argv
        strict = tuple(words[: len(STRICT)]) == STRICT
        code = Code(words[len(STRICT)]) if strict else Code(" ".join(words), words=tuple(words))
        return list(dict.fromkeys(code.programs()))

    def bound(self, register: str) -> dict[str, str]:
        """Each name's template, for the result registered as `register`."""
        return {name: f"{{{{ {value.replace('REGISTER', register)} }}}}" for name, value in self.names.items()}


@dataclass(frozen=True, slots=True)
class SideCall:
    """A call that only looks for the sake of another one: the part of the step that it is, and its task's keywords."""

    part: Literal["find", "locate"]
    title: str
    call: Invocation
    keywords: Mapping[str, Any]


_JSON = "to_json(allow_nan=false) | from_json"
"""What lets pass what is JSON: Ansible reads NaN and Infinity as well, which no condition can be right about."""
_COMMAND_NAMES = {
    "rc": "REGISTER.rc",
    "stdout": "REGISTER.stdout",
    "stderr": "REGISTER.stderr",
    "json": f"REGISTER.stdout | from_json | {_JSON}",
}
_STDOUT_CUT = "REGISTER.output.stdout.truncated | default(false)"
_COMMAND_CUTS = {
    "stdout": _STDOUT_CUT,
    "stderr": "REGISTER.output.stderr.truncated | default(false)",
    "json": _STDOUT_CUT,
}
"""What our command module says of its output; Ansible's own, which cuts nothing, does not."""


def bounded(argv: Sequence[str], *, timeout: timedelta, stdin: str | None = None, **options: Any) -> Invocation:
    """`argv` on the host under coreutils' `timeout`, which ends it there even when nobody is left to ask.

    Ansible's own task timeout gives up on the controller and leaves the command running on the host.
    """
    limit = ["timeout", f"--kill-after={seconds(KILL_AFTER)}", seconds(timeout)]
    environment = options.pop("environment", None) or None
    # The arguments are what they say: a `$HOME` in them is for the program to expand, not for Ansible.
    args = {"argv": [*limit, *argv], "expand_argument_vars": False}
    args |= {key: value for key, value in options.items() if value is not None}
    if stdin is not None:
        args["stdin"] = stdin
    return Invocation(
        "ansible.builtin.command",
        args,
        names=_COMMAND_NAMES,
        answered="REGISTER.rc | default(-1) == 0",
        environment=environment,
        cuts=_COMMAND_CUTS,
    )


def whole_seconds(time: timedelta) -> int:
    """`time` rounded up, for what counts in whole seconds only."""
    return ceil(time.total_seconds())


Environment = Annotated[
    dict[Annotated[str, Spelling(r"^[A-Za-z_][A-Za-z0-9_]*$", "letters, digits and _")], Template],
    Field(description="Environment variables, which is how a value reaches shell code safely"),
]
"""Environment variables and their values."""

Directory = Annotated[Template | None, Field(description="The directory that it is done in")]


def psql(statement: str, params: Mapping[str, Any], *, timeout: timedelta) -> Invocation:
    r"""One SQL statement through `psql` on the host; its rows come back typed, as JSON.

    The server is told the `timeout`, too: a statement that only lost its psql would still be done when its turn comes.
    The `params` come with it: everybody on the host could read them in its arguments. Each is set by psql's own `\set`,
    which quotes as its manual says. The connection comes from the inventory: `runbook_sql` holds libpq environment
    variables (PGHOST, PGPORT, PGUSER, PGDATABASE, ...), and `runbook_psql` the path of psql where it is not on PATH.
    psql 12 and later understand it all.
    https://www.postgresql.org/docs/current/libpq-envars.html
    https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-META-COMMANDS
    """
    lists = parameters(statement)
    given = {name: _quoted(_bindable(value, as_list=lists[name])) for name, value in params.items()}
    sets = "".join(f"\\set {name} '{value}'\n" for name, value in given.items())
    argv = [
        "{{ runbook_psql | default('psql') }}",
        *("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--no-password", "--set=ON_ERROR_STOP=1"),
    ]
    limit = f"SET statement_timeout = {max(1, round(timeout / timedelta(milliseconds=1)))};"
    call = bounded(
        argv,
        timeout=timeout,
        stdin=f"\\encoding UTF8\n{sets}{limit}\n{for_psql(statement)}",
        environment="{{ runbook_sql | default({}) }}",
    )
    names = {"rows": "REGISTER.stdout | default('[]', true) | from_json", "row": "rows | first | default({})"}
    return replace(call, names=names, cuts=dict.fromkeys(names, _STDOUT_CUT))


_FOR_PSQL = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("'", "''"))
"""What stands in quotation marks of psql for a character that would mean something else there."""


def _quoted(value: str) -> str:
    """The text, or the template, of a value as psql reads it between quotation marks."""
    if has_template(value):
        return filtered(
            value, " | ".join(f"replace({_in_jinja(old)}, {_in_jinja(new)})" for old, new in _FOR_PSQL), end=""
        )
    return reduce(lambda text, pair: text.replace(*pair), _FOR_PSQL, value)


def read_by_psql(text: str) -> str:
    """What psql reads where `text` stands between quotation marks and is as it was made for that."""
    back = {new: old for old, new in _FOR_PSQL}
    return re.sub(r"\\[\\nr]|''", lambda match: back[match[0]], text)


def _in_jinja(text: str) -> str:
    quote = '"' if "'" in text else "'"
    return quote + text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r") + quote


def _bindable(value: Any, *, as_list: bool) -> str:
    if as_list and isinstance(value, str) and (expression := only_expression(value)):
        whole = expression if re.fullmatch(r"[\w.]+", expression) else f"({expression})"
        return f"{{{{ {whole} | to_json }}}}"
    return value if isinstance(value, str) else json.dumps(value)


def uri(
    request: Mapping[str, Any], *, timeout: timedelta, accept: Sequence[int] | Literal["any"] | None = None
) -> Invocation:
    """An HTTP request made by the host, in the words of `ansible.builtin.uri`; where nobody answers, status is -1.

    With `accept` any other status fails the task, with `any` only that there is no answer; without it every answer is
    left to the conditions.
    """
    args = {
        **request,
        "return_content": True,
        "follow_redirects": "none",
        "timeout": whole_seconds(timeout),
    }
    if accept:
        args["status_code"] = "{{ range(100, 600) | list }}" if accept == "any" else list(accept)
    return Invocation(
        "ansible.builtin.uri",
        args,
        names={
            "status": "REGISTER.status | default(-1)",
            "json": f"REGISTER.json | {_JSON}",
            "content": "REGISTER.content | default('')",
        },
        answered="REGISTER.status | default(-1) >= 100",
        silent="status",
        # The module's own is for each piece of the answer, which may come byte by byte; of silence it says so first.
        task_timeout=timeout + KILL_AFTER,
    )
