"""What a check of one host before step 1 has found out about it."""

from typing import Literal

from runner.core.deferred import dataclass

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class HostCheck:
    """What is known of one host: `passed` names what was found good, `left` what is left to Ansible, and why.

    `problem` says what is wrong, and where, and `hint` how that is mended; both are empty where nothing is.
    """

    host: str
    passed: tuple[str, ...] = ()
    left: str = ""
    problem: str = ""
    hint: str = ""

    @property
    def outcome(self) -> Literal["passed", "not checked", "unreachable"]:
        """In one word."""
        return "unreachable" if self.problem else "not checked" if self.left else "passed"


class NotCheckedError(Exception):
    """Something that is left to Ansible, as it cannot be judged here; the message says what and why."""


class UnfitError(Exception):
    """Ansible would not get further than this either: what is wrong, and how it is mended."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def last_lines(output: str, *, lines: int = 1) -> str:
    """The last of the lines that a program has printed."""
    texts = [line.strip() for line in output.splitlines() if line.strip()]
    return "; ".join(texts[-lines:])[:_LONGEST] or "it says nothing"
