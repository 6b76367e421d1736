"""A program of ours that asks a service, as a task on the machine where runbookctl runs, and its files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator

import runner.kinds.probes
from runner.core.deferred import regex
from runner.core.fields import Keywords
from runner.core.secrets import FORMS, SecretReference
from runner.core.templates import Template, only_expression
from runner.kinds.base import ReadFile
from runner.kinds.invocation import Invocation, bounded
from runner.kinds.probes.probe_question import PREFIX, check_address
from runner.kinds.verifications.base import VerificationKind

_DIRECTORY = "probes"
"""Where the programs lie, beside the playbook."""
_IMPORT = regex(r"^from \.(\w+) import ", re.MULTILINE)
_FOUND = "REGISTER.stdout | default('{}', true) | from_json"
_MARGIN = 1.0
"""Seconds before its time limit at which a program gives up, to say so itself; of a short limit the half."""


def _address(url: str) -> str:
    if not url.startswith("{{"):
        check_address(url)
    return url.rstrip("/")


Address = Annotated[Template, AfterValidator(_address), Keywords(pattern=r"^(?:https?://|\{\{)")]
"""The address of a service, without a path that its API has, or the `{{ variable }}` of the inventory that has it."""


def _confidential(text: str) -> str:
    name = only_expression(text)
    if name is not None and re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return text
    try:
        SecretReference.parse(text)
    except ValueError:
        raise ValueError(f"says where a secret is: {FORMS}, or the {{{{ name }}}} of an input") from None
    return text


Confidential = Annotated[str, AfterValidator(_confidential)]
"""Where a secret is: a reference like `env:TOKEN`, or the `{{ name }}` of an input of type secret."""


class AsksService(VerificationKind):
    """A verification that has a program of ours ask a service, which says why where nothing is known."""

    seen: ClassVar[tuple[str, ...]] = ()
    """The names of what the program finds, besides `problem`."""

    def program(self) -> str:
        """The name of its program."""
        raise NotImplementedError

    def question(self) -> Mapping[str, Any]:
        """What the program is asked: an environment variable for each, without what is None or empty."""
        raise NotImplementedError

    def probe(self, timeout: timedelta) -> Invocation:
        """The program, which reads its question from the environment: there a secret is seen by nobody."""
        limit = timeout.total_seconds()
        asked = {**self.question(), "seconds": f"{max(limit - _MARGIN, limit / 2):g}"}
        environment = {f"{PREFIX}{key.upper()}": str(value) for key, value in asked.items() if value not in (None, "")}
        # -B: nothing is written beside the playbook.
        argv = ["{{ ansible_playbook_python }}", "-B", "-m", f"{_DIRECTORY}.{self.program()}"]
        call = bounded(argv, timeout=timeout, environment=environment, chdir="{{ playbook_dir }}")
        names = {name: f"({_FOUND}).{name}" for name in ("problem", *self.seen)}
        return replace(call, names=names, cuts={}, on_controller=True)

    def call(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The probe as a step of its own, which fails where nothing is known."""
        call = self.probe(timeout)
        assert isinstance(call.environment, Mapping)  # noqa: S101 - it was made so
        return replace(call, environment={**call.environment, f"{PREFIX}STRICT": "yes"})

    @property
    def companions(self) -> Mapping[str, str]:
        """The program with what it imports."""
        return files_of(self.program())

    def programs(self, read_file: ReadFile) -> list[str]:
        """None on the host."""
        return []


class AsksForValue(AsksService):
    """A service is asked for something of which `that` must hold, in what is written behind the key."""

    @property
    def expressions(self) -> tuple[str, ...]:
        """What must hold."""
        return (getattr(self, self.key).that,)

    @property
    def known(self) -> tuple[str, ...]:
        """That there is an answer."""
        return ("problem == ''",)

    def conditions(self, text: str | None) -> Sequence[str]:
        """That there is an answer, and what must hold of it."""
        return (*self.known, *self.expressions)


@cache
def files_of(program: str) -> Mapping[str, str]:
    """The texts of the `program` and of each file that it imports, by where they lie beside the playbook."""
    names = ["__init__", program]
    texts: dict[str, str] = {}
    for name in names:
        text = Path(runner.kinds.probes.__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
        texts[f"{_DIRECTORY}/{name}.py"] = text
        names += [each for each in _IMPORT.findall(text) if each not in names]
    return dict(sorted(texts.items()))
