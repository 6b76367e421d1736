"""`shell`: lines for bash, strict: the first failing command, also inside a pipe, ends it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator

from runner.core.fields import Text
from runner.kinds.invocation import Environment, Invocation, Template, bounded, check_template
from runner.kinds.steps.base import ReadFile, StepKind

STRICT = ("/bin/bash", "--norc", "-peuo", "pipefail", "-c")
"""Bash without what it would read first: ~/.bashrc, which it takes for its own below an sshd, and, by -p, $BASH_ENV."""


class Shell(StepKind):
    """Run by `bash -euo pipefail`; values are best given through `env`, or quoted with `| quote`."""

    key = "shell"
    text = "stdout"

    shell: Annotated[Text, AfterValidator(check_template)]
    env: Environment = {}
    chdir: Template | None = None

    @property
    def good(self) -> Mapping[str, Collection[int]]:
        """Success, where no `exit` says otherwise."""
        return {"rc": (0,)}

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The lines under a strict bash under `timeout`."""
        del read_file
        return bounded([*STRICT, self.shell], timeout=timeout, chdir=self.chdir, environment=self.env)
