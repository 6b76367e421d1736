"""Which names a step mentions, in templates and in conditions."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from runner.kinds.values import TakenBaseline

if TYPE_CHECKING:
    from runner.model.step import Step


def mentioned(step: Step, names: Collection[str]) -> list[str]:
    """Those of `names` that `step` mentions in what it does, how it is judged, and what is kept or chosen of it."""
    kept = [step.capture, *step.choose.values()]
    return mentioned_in([step.action, *step.verify, *kept, step.become_user, step.only_if, step.each], names)


def mentioned_in(parts: Any, names: Collection[str]) -> list[str]:
    """Those of `names` that `parts`, which are parts of a step or lists of them, mention."""
    text = " ".join(_texts(parts)) if names else ""
    return [name for name in names if re.search(rf"\b{re.escape(name)}\b", text)]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, BaseModel):
        return _texts([getattr(value, name) for name in type(value).model_fields])
    if isinstance(value, TakenBaseline):
        return [value.expression, value.name]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [text for item in items for text in _texts(item)]
