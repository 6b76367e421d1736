"""What steps and verifications ask a host to do: a bounded command, a psql statement, an HTTP request."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import ceil
from typing import Annotated, Any

import jinja2
import jinja2.nodes
from pydantic import AfterValidator

from runner.core.duration import seconds
from runner.core.identifiers import Spelling
from runner.kinds.sql_text import for_psql, parameters

KILL_AFTER = timedelta(seconds=5)
TIMED_OUT = 124
"""The exit code with which coreutils' `timeout` says that it ended a command."""

_JINJA = jinja2.Environment(autoescape=False, keep_trailing_newline=True)  # noqa: S701 - nothing is rendered


@dataclass(frozen=True, slots=True)
class Invocation:
    """A module call, and how its result is spoken of in a condition.

    `names` maps each name a condition may use (`rows`, `status`) to a Jinja expression over the registered result,
    which is written `REGISTER` there. `answered` is a condition that holds only when the call really got an answer, so
    that a check of something absent cannot be green. `cuts` has, for each of the names that may be of an output that
    was cut, an expression which is true when it was: then nobody knows whether what reads it holds. `may_skip` says
    that the module may answer that it did nothing, of which Ansible would make a task that has not failed.
    """

    module: str
    args: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)
    answered: str = "REGISTER is not failed"
    environment: Mapping[str, str] | str | None = None
    task_timeout: timedelta | None = None
    cuts: Mapping[str, str] = field(default_factory=dict)
    may_skip: bool = False

    def cut(self, names: Collection[str], register: str) -> list[str]:
        """Expressions, one of which is true when something of `names` was cut; `*` is all that the result has."""
        read = [cut for name, cut in self.cuts.items() if name in names or "*" in names or "results" in names]
        return list(dict.fromkeys(cut.replace("REGISTER", register) for cut in read))

    def bound(self, register: str) -> dict[str, str]:
        """Each name's template, for the result registered as `register`."""
        return {name: f"{{{{ {value.replace('REGISTER', register)} }}}}" for name, value in self.names.items()}


_COMMAND_NAMES = {
    "rc": "REGISTER.rc",
    "stdout": "REGISTER.stdout",
    "stderr": "REGISTER.stderr",
    "json": "REGISTER.stdout | from_json",
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


def check_template(text: str) -> str:
    """`text`, which Ansible will template.

    Raises:
        ValueError: it is no template; the message says what to write instead of shell's `${#name}`.
    """
    try:
        _JINJA.parse(text)
    except jinja2.TemplateSyntaxError as error:
        said = str(error.message).rstrip(".")
        hint = "; {# begins a template's comment, so write ${{ '{' }}#name} for ${#name}" if "{#" in text else ""
        raise ValueError(f"is not a template: {said} (line {error.lineno}){hint}") from None
    except RecursionError:
        raise ValueError("is not a template: it is nested too deeply") from None
    return text


def pieces(text: str) -> list[tuple[bool, str]]:
    """Each template in `text`, and what stands between them, in order; true is a template.

    Raises:
        ValueError: it is no template.
    """
    found: list[tuple[bool, str]] = []
    inside = ""
    for _, kind, value in _JINJA.lex(check_template(text)):
        if inside or kind.endswith("_begin"):
            inside += value
            if kind.endswith("_end"):
                found.append((True, inside))
                inside = ""
        else:
            found.append((False, value))
    return found


def expressions(text: str) -> list[str]:
    """What stands inside of each `{{ ... }}` in `text`."""
    return [_inside(piece) for is_template, piece in pieces(text) if is_template and piece.startswith("{{")]


def only_expression(text: str) -> str | None:
    """What stands inside of the one `{{ ... }}` that `text` is, if it is nothing else."""
    found = pieces(text.strip())
    return _inside(found[0][1]) if len(found) == 1 and found[0][1].startswith("{{") else None


def _inside(template: str) -> str:
    return re.sub(r"^\{\{[-+]?|[-+]?\}\}\s*$", "", template).strip()


def names_in(text: str) -> set[str]:
    """The variables that the templates in `text` read, also those that are named in quotes, as in `vars['name']`."""
    try:
        parsed = _JINJA.parse(text)
    except (jinja2.TemplateSyntaxError, RecursionError):  # that it is no template, others complain about
        return set()
    quoted = {str(item.value) for item in parsed.find_all(jinja2.nodes.Const) if isinstance(item.value, str)}
    return {item.name for item in parsed.find_all(jinja2.nodes.Name)} | quoted


def verbatim(text: str) -> str:
    """A template that means `text`, whatever it holds; ansible-lint takes what is tagged `!unsafe` for a template, too.

    Raises:
        ValueError: it holds the one mark that cannot be meant.
    """
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        return text
    if re.search(r"\{%[-+]?\s*endraw", text):
        raise ValueError("holds {% endraw %}, which ends what Ansible leaves alone")
    return f"{{% raw %}}{text}{{% endraw %}}"


def check_templates(value: Any) -> Any:
    """`value`, in which Ansible will template every text.

    Raises:
        ValueError: one of them is no template.
    """
    if isinstance(value, str):
        check_template(value)
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            check_templates(item)
    return value


Template = Annotated[str, AfterValidator(check_template)]
"""Text in which Ansible fills in each `{{ template }}`."""


Environment = dict[Annotated[str, Spelling(r"^[A-Za-z_][A-Za-z0-9_]*$", "letters, digits and _")], Template]
"""Environment variables and their values."""


def literal(value: str | float | None) -> str:
    """`value` as a Jinja expression that means it, whatever it holds."""
    if isinstance(value, str):
        # Ansible takes a condition with the marks of a template in it for one, even inside of quotes.
        return re.sub(r"\{(?=[{%#])|\}(?=\})", lambda mark: f"\\x{ord(mark[0]):02x}", repr(value))
    return str(value).lower() if value is None or isinstance(value, bool) else repr(value)


def split(command: str) -> list[str]:
    """The arguments of `command`, split as a shell would, with each `{{ template }}` kept whole within its argument.

    Raises:
        ValueError: it is no template, or a quotation is not closed.
    """
    held: list[str] = []
    line = ""
    for is_template, piece in pieces(command):
        line += f"\x00{len(held)}\x00" if is_template else piece
        held += [piece] if is_template else []
    try:
        words = shlex.split(line)
    except ValueError:
        raise ValueError("a quotation is not closed") from None
    return [re.sub(r"\x00(\d+)\x00", lambda mark: held[int(mark[1])], word) for word in words]


def psql(statement: str, params: Mapping[str, Any], *, timeout: timedelta) -> Invocation:
    """One SQL statement through `psql` on the host; its rows come back typed, as JSON.

    The server is told the `timeout`, too: a statement that only lost its psql would still be done when its turn comes.
    The connection comes from the inventory: `runbook_sql` holds libpq environment variables (PGHOST, PGPORT, PGUSER,
    PGDATABASE, ...), and `runbook_psql` the path of psql where it is not on PATH. psql 12 and later understand it all.
    https://www.postgresql.org/docs/current/libpq-envars.html
    """
    lists = parameters(statement)
    sets = [f"--set={name}={_bindable(value, as_list=lists[name])}" for name, value in params.items()]
    argv = [
        "{{ runbook_psql | default('psql') }}",
        *("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--no-password", "--set=ON_ERROR_STOP=1"),
        *sets,
    ]
    limit = f"SET statement_timeout = {max(1, round(timeout / timedelta(milliseconds=1)))};"
    call = bounded(
        argv,
        timeout=timeout,
        stdin=f"\\encoding UTF8\n{limit}\n{for_psql(statement)}",
        environment="{{ runbook_sql | default({}) }}",
    )
    names = {"rows": "REGISTER.stdout | default('[]', true) | from_json", "row": "rows | first | default({})"}
    return replace(call, names=names, cuts=dict.fromkeys(names, _STDOUT_CUT))


def _bindable(value: Any, *, as_list: bool) -> str:
    if as_list and isinstance(value, str) and (expression := only_expression(value)):
        whole = expression if re.fullmatch(r"[\w.]+", expression) else f"({expression})"
        return f"{{{{ {whole} | to_json }}}}"
    return value if isinstance(value, str) else json.dumps(value)


def uri(request: Mapping[str, Any], *, timeout: timedelta, accept: Sequence[int] | None = None) -> Invocation:
    """An HTTP request made by the host, in the words of `ansible.builtin.uri`; where nobody answers, status is -1.

    With `accept` any other status fails the task; without it every answer is left to the conditions.
    """
    args = {
        **request,
        "return_content": True,
        "follow_redirects": "none",
        "timeout": whole_seconds(timeout),
    }
    if accept:
        args["status_code"] = list(accept)
    return Invocation(
        "ansible.builtin.uri",
        args,
        names={
            "status": "REGISTER.status | default(-1)",
            "json": "REGISTER.json",
            "content": "REGISTER.content | default('')",
        },
        answered="REGISTER.status | default(-1) >= 100",
    )
