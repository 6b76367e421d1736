"""Mends a runbook's text where a rule knows what is right, and leaves every other character as it is."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from runner.lint.engine import examine, hits, line_of
from runner.lint.lint_context import LintContext
from runner.lint.rules.base import Hit
from runner.model.yaml.document import load
from runner.model.yaml.finding import InvalidFileError, Place


def mended(context: LintContext) -> tuple[str, int]:
    """The text of `context` with everything mended that can be, and how many places that were.

    An edit is made only when the file then means what was meant: every other value is the same, and this one differs in
    the replaced words alone. What the file excepts stays.
    """
    text, count = context.document.text, 0
    for offset, hit in sorted(_edits(context), key=lambda edit: edit[0], reverse=True):
        changed = text[:offset] + str(hit.replacement) + text[offset + len(hit.fragment) :]
        if _means(changed, _replaced(_value(text), hit.place, hit)):
            text, count = changed, count + 1
    return text, count


def _edits(context: LintContext) -> Iterator[tuple[int, Hit]]:
    wanted = {(each.rule, each.file, each.line) for each in examine(context).findings}
    for rule, hit in hits(context):
        origin, offset = context.document.origin(hit.place), context.document.offset(hit.place, hit.fragment, hit.nth)
        if hit.replacement is None or offset is None or origin.used_at is not None:  # a shared file is not this one
            continue
        if (rule.id, *line_of(context, hit)) in wanted:
            yield offset, replace(hit, place=origin.place)


def _means(text: str, value: Any) -> bool:
    try:
        return bool(_value(text) == value)
    except InvalidFileError:
        return False


def _value(text: str) -> Any:
    return load(text.encode(), file="-").value


def _replaced(value: Any, place: Place, hit: Hit) -> Any:
    """`value` with the fragment of `hit` replaced at `place`."""
    if not place:
        parts = str(value).split(hit.fragment)
        before, after = parts[: hit.nth + 1], parts[hit.nth + 1 :]
        return hit.fragment.join(before) + str(hit.replacement) + hit.fragment.join(after) if after else value
    head, rest = place[0], place[1:]
    if isinstance(value, dict):
        return {key: _replaced(item, rest, hit) if key == head else item for key, item in value.items()}
    return [_replaced(item, rest, hit) if number == head else item for number, item in enumerate(value)]
