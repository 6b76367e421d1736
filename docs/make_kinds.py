"""Makes docs/kinds.md from what the kinds of step and of verification say of themselves.

python docs/make_kinds.py
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from runner.core.fields import Model
from runner.kinds import plugins
from runner.kinds.base import Kind
from runner.library.schema.field_help import DESCRIPTIONS

PAGE = Path(__file__).with_name("kinds.md")
HEAD = """\
# Kinds

What a step can do, and how it can be verified, with an example of each. `python docs/make_kinds.py` writes this page
from the kinds themselves, and a test loads, judges and compiles each example. How they are put together is described in
[Write a runbook](authors.md); a package may add [kinds of its own](plugins.md).
"""


def page() -> str:
    """The text of the page."""
    groups = {"Steps": plugins.steps(), "Verifications": plugins.verifications()}
    kinds = {title: [kind for key, kind in table.items() if kind.example] for title, table in groups.items()}
    return "\n".join([HEAD, *(line for title, group in kinds.items() for line in section(title, group))])


def section(title: str, kinds: list[type[Kind]]) -> Iterator[str]:
    """The lines about one group of kinds."""
    yield f"## {title}\n"
    for kind in kinds:
        yield f"### `{kind.key}`\n\n{inspect.getdoc(kind)}\n\n```yaml\n{kind.example.strip()}\n```\n"
        if rows := [f"| `{key}` | {text} |" for key, text in keys(kind)]:
            yield "\n".join(["| key | |", "|---|---|", *rows, ""])


def keys(model: type[Model], within: str = "") -> Iterator[tuple[str, str]]:
    """The keys of `model`, and of the models that they hold, each with what it is for."""
    for name, field in model.model_fields.items():
        key = within + (field.alias or name)
        if text := field.description or DESCRIPTIONS.get(f"{model.__name__}.{field.alias or name}"):
            yield key, text.replace("|", "\\|")
        for held in models(field.annotation):
            yield from keys(held, f"{key}.")


def models(annotation: Any) -> Iterator[type[Model]]:
    """The models in a type, however deep they stand in it."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for part in get_args(annotation):
        yield from models(part)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
