"""A look at a host by a small program, which is given values by its environment, and answers in JSON."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from runner.core.duration import seconds
from runner.core.templates import Template, verbatim
from runner.kinds.invocation import Invocation, bounded

_PROGRAMS = Path(__file__).with_name("programs")
_SHARE = 0.4
"""Of the time limit is for one attempt on the network, so that two are made before the program is ended."""

LOOK_FROM = "The machine that looks: a host, a group of one, or localhost, where runbookctl runs"


def limit(timeout: timedelta) -> str:
    """How long one attempt on the network may take, in seconds."""
    return seconds(timeout * _SHARE)[:-1]


def look(
    program: str, values: Mapping[str, str | None], *, timeout: timedelta, machine: str | None = None
) -> Invocation:
    """What the `program` finds out on the host, or on `machine`, as `facts`; `values` that are None are left out.

    The text of the program is in the playbook, so that what was reviewed is what runs. It needs Python 3.8 or later,
    as Ansible does, by the name `python3` or by `runbook_python` of the inventory. Values are no arguments: they may
    begin with a dash or be a secret.
    """
    text = verbatim((_PROGRAMS / f"{program}.py").read_text(encoding="utf-8"))
    environment = {f"LOOK_{name.upper()}": value for name, value in values.items() if value is not None}
    argv = ["{{ runbook_python | default('python3') }}", "-I", "-c", text]
    call = bounded(argv, timeout=timeout, environment=environment)
    return replace(call, names={"facts": "REGISTER.stdout | from_json"}, machine=machine)


def _absolute(path: str) -> str:
    if not path.startswith(("/", "{{")):
        raise ValueError(f"must be an absolute path, like /var/log, not {path[:64]!r}")
    return path


AbsolutePath = Annotated[Template, AfterValidator(_absolute)]
"""A path on a host."""
