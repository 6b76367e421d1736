"""`json`: values that the JSON output or answer holds at given paths."""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from runner.core.identifiers import Spelling
from runner.core.templates import expressions, literal, only_expression
from runner.kinds.verifications.base import VerificationKind

_PATH = r"[A-Za-z_][A-Za-z0-9_]*(?:\[[0-9]+\]|\.[A-Za-z_][A-Za-z0-9_]*)*"
Path = Annotated[str, Spelling(f"^{_PATH}$", "a path, like status or checks[0].state", longest=200)]


def _whole(value: str | float | None) -> str | float | None:
    if isinstance(value, str) and expressions(value) and not only_expression(value):
        raise ValueError("must be plain text or one {{ template }}, not both; use `that`")
    return value


Value = Annotated[str | int | float | bool | None, AfterValidator(_whole)]


def _something(values: dict[str, Value]) -> dict[str, Value]:
    if not values:
        raise ValueError("compares nothing")
    return values


class Json(VerificationKind):
    """Each path (`status`, `checks[0].state`) holds exactly this value; a value may be one `{{ template }}`."""

    key = "json"
    example = """\
- {says: The pool has room, http: "http://127.0.0.1:8080/pool", json: {state: ready, "queues[0].waiting": 0}}
"""
    judges_text = True

    json_: Annotated[dict[Path, Value], AfterValidator(_something), Field(alias="json")]

    def conditions(self, text: str | None) -> Sequence[str]:
        """One comparison for each path."""
        if text is None:
            raise ValueError("json needs a command's output or an HTTP answer; this result has neither")
        return tuple(_comparison(f"json{_subscripts(path)}", value) for path, value in self.json_.items())

    def describe(self) -> str:
        """The comparisons."""
        return " and ".join(f"{path} is {value}" for path, value in self.json_.items())


def _subscripts(path: str) -> str:
    return re.sub(r"\.?([A-Za-z_][A-Za-z0-9_]*)", r"['\1']", path)


def _comparison(found: str, value: Value) -> str:
    # In Python, and so in a condition, true equals 1.
    if isinstance(value, bool):
        return f"{found} is sameas {literal(value)}"
    if isinstance(value, str) and (expression := only_expression(value)):
        return f"{found} == ({expression}) and ({found} is boolean) == (({expression}) is boolean)"
    return f"{found} == {literal(value)}" + (f" and {found} is not boolean" if isinstance(value, int | float) else "")
