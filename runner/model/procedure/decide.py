"""`decide`: the branches of a diagnosis, read as plain steps of which each is needed only in its branch.

What a branch asks a host is a step that looks, and captures whether the answer is yes. One more step captures which
branch is taken, the first that holds, and the steps of each branch have an `only_if` of that.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from string import ascii_lowercase
from textwrap import shorten
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from runner.core.fields import AtLeastOne, Limit, Model, Prose, Several, Text, Title
from runner.core.identifiers import OneHost, RunbookId, StepId
from runner.core.templates import as_title
from runner.kinds.values import Condition
from runner.model.names import HostPattern, Name
from runner.model.step import OnFailure

_TITLE = 80
"""Characters of what is asked, where a question has no words of its own."""

JUDGES = ("that", "exit", "matches", "json")
"""The keys that say which answer is a yes."""


class BranchAction(Model):
    """What is done in a branch: steps, another runbook, or the end of the run on that host with a sentence."""

    then: AtLeastOne[dict[str, Any]] | None = None
    run: RunbookId | None = None
    inputs: dict[Name, str | int | float | bool] = {}
    capture: dict[str, Any] | None = None
    verify: list[Any] | None = None
    stop: Text | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if [self.then, self.run, self.stop].count(None) != 2:  # noqa: PLR2004 - all but one
            raise ValueError("has one of `then` (a list of steps), `run` and `stop`")
        if self.of_run() and not self.run:
            raise ValueError(f"has `{next(iter(self.of_run()))}`, which goes with `run`")
        return self

    def of_run(self) -> dict[str, Any]:
        """What goes with `run`, as a step has it."""
        given = {"inputs": self.inputs, "capture": self.capture, "verify": self.verify}
        return {key: value for key, value in given.items() if value}


class Branch(BranchAction):
    """A branch that is taken where `if` holds, and none before it; `says` is what that means, in words."""

    if_: Annotated[Condition | dict[str, Any], Field(alias="if")]
    says: Title | None = None

    @property
    def title(self) -> str:
        """When it is taken, in words."""
        probe = self.if_ if isinstance(self.if_, dict) else {"that": self.if_}
        judged = [f"{probe[key]}" if key == "that" else f"{key} is {probe[key]}" for key in JUDGES if key in probe]
        answer = " and ".join(judged) or "the answer is good"
        asked = next((probe[key] for key in ("command", "http", "sql") if key in probe), "")
        question = shorten(" ".join(asked) if isinstance(asked, list) else str(asked), _TITLE, placeholder=" ...")
        return self.says or as_title(f"{answer} ({question})" if question else answer)


def _action(value: Any) -> Any:
    if isinstance(value, str) and value != "nothing":
        other = f"{{run: {value}}}" if re.fullmatch(r"RUN-\d+", value) else f"{{stop: {value[:64]}}}"
        raise ValueError(f"is `nothing`, {{then: [STEPS]}}, {{run: RUN-ID}} or {{stop: SENTENCE}}; write {other}")
    return value


class Otherwise(Model):
    """What is done where no branch holds."""

    else_: Annotated[BranchAction | Literal["nothing"], BeforeValidator(_action), Field(alias="else")]


_Item = Annotated[
    Annotated[Branch, Tag("if")] | Annotated[Otherwise, Tag("else")],
    Discriminator(lambda value: "else" if isinstance(value, Otherwise) or "else" in value else "if"),
]


class Decide(Model):
    """The branches of a diagnosis; what they ask the host takes no longer than `within`, all together."""

    id: StepId
    name: Title
    why: Prose | None = None
    hosts: HostPattern | None = None
    only_if: Condition | None = None
    on: OneHost | None = None
    become: bool = False
    become_user: Text | None = None
    within: Limit = timedelta(minutes=2)
    on_failure: OnFailure = "escalate"
    decide: Annotated[Several[_Item], Field(max_length=len(ascii_lowercase))]

    @model_validator(mode="after")
    def _ends_with_else(self) -> Self:
        *branches, last = self.decide or (None,)
        if not branches or not isinstance(last, Otherwise):
            raise ValueError("`decide` is a list of branches with `if`, and ends with one `else`")
        if any(isinstance(each, Otherwise) for each in branches):
            raise ValueError("only the last branch has `else`")
        return self

    @property
    def captured(self) -> str:
        """What the letter of the branch that is taken is captured as."""
        return self.id.replace("-", "_")

    @property
    def branches(self) -> Sequence[tuple[str, Branch]]:
        """All but the last, each with its letter."""
        lettered = zip(ascii_lowercase, self.decide, strict=False)
        return [(letter, each) for letter, each in lettered if isinstance(each, Branch)]

    @property
    def in_words(self) -> dict[str, str]:
        """When each branch is taken, by its letter, in words."""
        words = {letter: f"if {branch.title}" for letter, branch in self.branches}
        last = self.decide[-1]
        nothing = isinstance(last, Otherwise) and last.else_ == "nothing"
        return words | {ascii_lowercase[len(words)]: "else: nothing is done" if nothing else "else"}
