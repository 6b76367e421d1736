"""`exit`: the exit codes that are good."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

from runner.core.fields import Keywords, OneOrSeveral
from runner.kinds.values import NEVER_GOOD, ExitCode
from runner.kinds.verifications.base import VerificationKind


def _good(number: int) -> int:
    if meaning := NEVER_GOOD.get(number):
        raise ValueError(
            f"{number} says that {meaning}, which is never good; where it may be, let the command test for it"
        )
    return number


GoodCode = Annotated[ExitCode, AfterValidator(_good), Keywords(**{"not": {"enum": list(NEVER_GOOD)}})]


class Exit(VerificationKind):
    """The command ends with this exit code, or one of these.

    124 to 127 and 137 are never good: they say that it has not ended by itself, or was not started.
    """

    key = "exit"
    example = "- {says: Something was found or nothing was there, exit: [0, 1]}"

    exit: OneOrSeveral[GoodCode]

    def conditions(self, text: str | None) -> Sequence[str]:
        """One condition on `rc`."""
        if text != "stdout":
            raise ValueError("exit needs a command's result; this one has no exit code")
        return (f"rc in {list(self.exit)}",)

    @property
    def good_exits(self) -> tuple[int, ...]:
        """The codes."""
        return self.exit

    def describe(self) -> str:
        """The codes."""
        return f"Exit code is {' or '.join(map(str, self.exit))}"
