"""`git`: makes a tag and sends it alone to a remote repository, or checks out a commit; its undo takes that back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from importlib.resources import files
from itertools import takewhile
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from runner.core.fields import Keywords, Model
from runner.core.templates import Template, verbatim
from runner.kinds.base import ReadFile
from runner.kinds.invocation import STRICT, Invocation, bounded
from runner.kinds.steps.base import StepKind
from runner.kinds.values import moving


def _absolute(path: str) -> str:
    if not path.startswith(("/", "{{")):
        raise ValueError(f"must be an absolute path on the host, like /srv/shop, or a template, not {path[:40]!r}")
    return path


Remote = Annotated[Template | None, Field(min_length=1)]


class GitWork(Model):
    """What is done in one repository: `tag` or `checkout`, each with what belongs to it."""

    repository: Annotated[Template, AfterValidator(_absolute), Keywords(pattern=r"^(?:/|\{\{)")] = Field(
        description="The directory of the repository on the host"
    )
    tag: Template | None = Field(
        default=None, description="The tag that is made; a `*` in it stands for the next free number: `v1.5.0-*`"
    )
    at: Template | None = Field(default=None, description="The commit that is tagged; what is checked out, without it")
    message: Template | None = Field(default=None, description="The message of the tag")
    branch: Template | None = Field(
        default=None, description="The branch of `push` of which that commit must be the newest one"
    )
    push: Remote = Field(default=None, description="The remote repository to which the tag is sent, and nothing else")
    checkout: Template | None = Field(default=None, description="The tag, branch or commit that is checked out")
    fetch: Remote = Field(default=None, description="The remote repository from which it is fetched first")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.tag is None) == (self.checkout is None):
            raise ValueError("needs a `tag` or a `checkout`, and not both")
        if self.branch and not self.push:
            raise ValueError("compares with a `branch` of the repository in `push`, which is missing")
        strange = {"tag": ["fetch"], "checkout": ["at", "message", "branch", "push"]}["tag" if self.tag else "checkout"]
        if present := [key for key in strange if getattr(self, key) is not None]:
            raise ValueError(f"{present[0]} does not go with {'tag' if self.tag else 'checkout'}")
        return self

    def values(self) -> dict[str, str]:
        """What its program is given, by the names of environment variables."""
        if self.checkout:
            return {"REPOSITORY": self.repository, "REF": self.checkout, "REMOTE": self.fetch or ""}
        tag = self.tag or ""
        numbered = "yes" if "*" in re.sub(r"\{\{.*?\}\}", "", tag) else ""  # a value with a * is no pattern
        return {"REPOSITORY": self.repository, "TAG": tag, "NUMBERED": numbered, "REMOTE": self.push or ""}

    def of_new_tag(self) -> dict[str, str]:
        """What the program is given besides that makes the tag; none of it is needed to delete that again."""
        if self.checkout:
            return {}
        return {"AT": self.at or "HEAD", "BRANCH": self.branch or "", "MESSAGE": self.message or self.tag or ""}


@cache
def _program(*names: str) -> str:
    """The text of the shell programs `names` beside this file, one after the other."""
    return "".join((files(__package__) / f"{name}.sh").read_text(encoding="utf-8") for name in names)


@cache
def summaries() -> Mapping[str, str]:
    """Each program of this kind, and what it does in words: what its files say of themselves in their first lines."""
    return {_program(*names): _summary(names) for names in _PROGRAMS}


def _summary(names: Sequence[str]) -> str:
    """What the program made of the files `names` does; whoever is asked about it need not read all of it."""
    texts = [_program(name) for name in names]
    comments = [line.removeprefix("# ") for text in texts for line in takewhile(_is_comment, text.splitlines())]
    return "\n".join([*comments, f"(a program of runbookctl of {len(_program(*names).splitlines())} lines)"])


def _is_comment(line: str) -> bool:
    return line.startswith("#")


_MAKE, _DELETE = ("repository", "tag", "make_tag"), ("repository", "tag", "delete_tag")
_CHECK_OUT, _CHECK_BACK = ("repository", "checkout"), ("repository", "check_back")
_PROGRAMS = (_MAKE, _DELETE, _CHECK_OUT, _CHECK_BACK)
"""The files that each program is made of."""


class GitStep(StepKind):
    """Asks nobody for a password. `tag` and `commit` are what was made; `previous` is what was checked out before.

    Without an `undo` of its own it has one, which takes back what the run has made, and nothing that was there before.
    """

    key = "git"
    example = """\
- id: tag
  name: Tag the release
  git: {repository: /srv/shop, tag: release-*, branch: main, push: origin}
  capture: {release_tag: tag}
  verify:
    - {says: The tag is at the remote repository, exit: 0}
"""
    text = "stdout"
    visible = ("git",)
    fixed_by = "capture the commit in a step before, by git rev-parse, and name it here"
    repeatable = True

    git: GitWork

    @property
    def _programs(self) -> tuple[str, ...]:
        return _CHECK_OUT if self.git.checkout else _MAKE

    @property
    def _given(self) -> Mapping[str, str]:
        return {**self.git.values(), **self.git.of_new_tag()}

    @property
    def undone_by(self) -> StepKind:
        """Deletes the tag that the run has made, or goes back to what was checked out before."""
        return GitUndo(git=self.git)

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """A program of the shell around git; what is written reaches it by its environment."""
        program = _program(*self._programs)
        call = bounded([*STRICT, verbatim(program), "git"], timeout=timeout, environment=self._given)
        parts = ("commit", "previous") if self.git.checkout else ("tag", "commit", "made")
        return replace(call, names={**call.names, **{name: f"(REGISTER.stdout | from_json).{name}" for name in parts}})

    def programs(self, read_file: ReadFile) -> list[str]:
        """Git alone: what else its program starts is on every host."""
        return ["git"]

    def changes(self, read_file: ReadFile) -> str:
        """It always does, where what it makes is not there yet."""
        return "git checkout" if self.git.checkout else "git tag"

    @property
    def moving_name(self) -> str:
        """`HEAD`, or the branch or the tag that is named: only a commit, or a template that gives one, stays."""
        return moving(self.git.checkout or self.git.at or "HEAD")

    @property
    def canonical(self) -> str:
        """What is done, with all that belongs to it."""
        return f"git {self.git.model_dump(exclude_none=True)}"

    def describe(self) -> str:
        """What is made, and where."""
        work = self.git
        if work.checkout:
            return f"git checkout {work.checkout} in {work.repository}" + (f", from {work.fetch}" if work.fetch else "")
        return f"git tag {work.tag} in {work.repository}" + (f", and push it to {work.push}" if work.push else "")


class GitUndo(GitStep):
    """What takes a `git` step back."""

    @property
    def _programs(self) -> tuple[str, ...]:
        return _CHECK_BACK if self.git.checkout else _DELETE

    @property
    def _given(self) -> Mapping[str, str]:
        return self.git.values()

    def describe(self) -> str:
        """What is taken back, and where."""
        work = self.git
        if work.checkout:
            return f"git: check out in {work.repository} what was there before {work.checkout}"
        where = f" and at {work.push}" if work.push else ""
        return f"git: delete the tag {work.tag} that this run has made in {work.repository}{where}"
