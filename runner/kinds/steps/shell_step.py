"""`shell`: lines for bash, strict: the first failing command, also inside a pipe, ends it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator

from runner.core.fields import Text
from runner.core.shell.rereading import Reading, names_obeyed, read_as_code
from runner.core.shell.shell_code import Code, strict_code
from runner.core.templates import check_template
from runner.kinds.base import ReadFile
from runner.kinds.invocation import STRICT, Directory, Environment, Invocation, bounded
from runner.kinds.steps.base import Fence, StepKind

_LANGUAGES = "bash sh shell zsh ksh console shell-session shellsession sh-session bash-session terminal"


class ShellStep(StepKind):
    """Run by `bash -euo pipefail`; values are best given through `env`, or quoted with `| quote`."""

    key = "shell"
    example = """\
- id: free-space
  name: Delete the oldest archives
  effect: destructive
  approve: Delete archives that are older than 30 days?
  shell: find /var/backups/shop -name '*.tar.gz' -mtime +30 -delete
  verify: [{command: find /var/backups/shop -name *.tar.gz -mtime +30, that: stdout == ""}]
"""
    text = "stdout"
    visible = ("shell", "chdir")
    fence = Fence("bash", frozenset(_LANGUAGES.split()), holds="shell")

    shell: Annotated[Text, AfterValidator(check_template)]
    env: Environment = {}
    chdir: Directory = None

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The lines under a strict bash under `timeout`."""
        return bounded([*STRICT, self.shell], timeout=timeout, chdir=self.chdir, environment=self.env)

    def shell_code(self, read_file: ReadFile) -> Code:
        """The lines."""
        return strict_code(self.shell, self.env)

    @classmethod
    def obeyed(cls, written: Mapping[str, Any]) -> Mapping[str, Reading]:
        """What bash, or a program that it starts, takes for code."""
        code, env = written.get("shell"), written.get("env")
        return (
            names_obeyed(list(read_as_code(code, env if isinstance(env, dict) else {})), code)
            if isinstance(code, str)
            else {}
        )
