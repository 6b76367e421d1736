"""`files`: files that are made or removed, one in a line."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from runner.core.fields import Text
from runner.core.templates import check_template
from runner.kinds.base import ReadFile
from runner.kinds.invocation import STRICT, Invocation, bounded
from runner.kinds.steps.base import Fence, StepKind

_DOES = {"create": "touch", "remove": "rm"}


def _lines(text: str) -> str:
    for line in text.splitlines():
        if not re.fullmatch(r"(?:create|remove) \S+", line.strip()):
            raise ValueError(f"is not create PATH or remove PATH: {line.strip()!r}")
    return text


class Files(StepKind):
    """Lines of `create PATH` and `remove PATH`, done in order."""

    key = "files"
    text = "stdout"
    visible = ("files",)
    fence = Fence("files", frozenset({"files", "filelist"}))

    files: Annotated[Text, AfterValidator(check_template), AfterValidator(_lines)]
    umask: str = Field(default="022", description="Which rights a file that is made does not have")

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """A strict bash that touches and removes."""
        del read_file
        lines = [f'{_DOES[verb]} "{path}"' for verb, path in map(str.split, self.files.splitlines())]
        return bounded([*STRICT, "\n".join([f"umask {self.umask}", *lines])], timeout=timeout)

    def destroys(self, read_file: ReadFile) -> str:
        """The first line that removes something."""
        del read_file
        return next((line.strip() for line in self.files.splitlines() if line.strip().startswith("remove ")), "")

    def changes(self, read_file: ReadFile) -> str:
        """The first line: each of them changes something."""
        del read_file
        return self.files.strip().splitlines()[0]
