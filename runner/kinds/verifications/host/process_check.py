"""`process`: how many processes have a name."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from runner.core.fields import Model
from runner.core.identifiers import Spelling
from runner.core.templates import Template
from runner.kinds.invocation import Invocation
from runner.kinds.verifications.base import VerificationKind
from runner.kinds.verifications.host.look import look

Comparison = Annotated[
    str,
    Spelling(r"^(?!(?:>= ?|< ?)0+$)(?:(?:==|>=|<=|<|>) ?)?[0-9]{1,6}$", "a number, or what can fail, like '>= 1'"),
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
]


def _called(name: str) -> str:
    if "{{" not in name and ("/" in name or name != name.strip()):
        raise ValueError(f"is the name alone, without directory or spaces around it, like postgres, not {name[:64]!r}")
    return name


class ProcessQuery(Model):
    """A name, and how many may have it."""

    name: Annotated[Template, Field(min_length=1), AfterValidator(_called)] = Field(
        description="Its name, without a directory: of its program, of its script, or what it calls itself"
    )
    count: Comparison = Field(default=">= 1", description="How many: 2, or '>= 1', which is the default; 0 for none")


class Process(VerificationKind):
    """Counted in /proc, without what this look itself starts and without ended ones; `facts.count` is how many.

    A process has a name if that is, as a whole, what the kernel calls it (comm), the file name in its argv[0], that of
    the program that it executes (where the user who looks may see it; root may), or that of the script that a shell,
    Python, Perl, Ruby, PHP, Node or Java does. Where the kernel has cut a name and nothing else says how it goes on,
    there is no answer for names that begin so.
    """

    key = "process"
    example = '- {process: {name: postgres, count: ">= 1"}}'

    process: ProcessQuery

    def probe(self, timeout: timedelta) -> Invocation:
        """The count."""
        return look("look_at_processes", {"name": self.process.name}, timeout=timeout)

    def conditions(self, text: str | None) -> Sequence[str]:
        """The comparison."""
        return (f"facts.count {self._comparison}",)

    @property
    def _comparison(self) -> str:
        """It with its operator."""
        match = re.fullmatch(r"(\D*?) ?(\d+)", self.process.count)
        operator, number = match.groups() if match else ("", self.process.count)
        return f"{operator or '=='} {int(number)}"

    def describe(self) -> str:
        """In words."""
        return f"The number of processes called {self.process.name} is {self._comparison}"
