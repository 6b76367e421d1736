"""To say in a runbook's file that it is not to be used any more, leaving everything else in it as it is."""

from __future__ import annotations

from datetime import date

from runner.core.errors import InvalidInputError
from runner.library.library import Source
from runner.model.yaml.yaml_writer import plain


def deprecate(source: Source, *, since: date, replaced_by: str | None, reason: str) -> str:
    """The text of `source` with `deprecated` below its title.

    Raises:
        InvalidInputError: it is deprecated already, or its file is not written key by key.
    """
    if source.runbook.deprecated:
        raise InvalidInputError(f"{source.runbook.id} is {source.runbook.deprecated.says} already")
    deprecated = {"since": since.isoformat(), "replaced_by": replaced_by, "reason": reason}
    text = source.text.decode("utf-8")
    lines = text.splitlines(keepends=True)
    keys = source.document.value
    after = next((key for key, before in zip([*keys][1:], keys, strict=False) if before == "title"), None)
    at = next((number for number, line in enumerate(lines) if after and line.startswith(f"{after}:")), None)
    if at is None:
        hint = "write `deprecated: {since: ..., replaced_by: ...}` into it yourself"
        raise InvalidInputError(f"{source.path}: there is no line below its title to write to", hint=hint)
    return "".join([*lines[:at], plain({"deprecated": {k: v for k, v in deprecated.items() if v}}), *lines[at:]])
