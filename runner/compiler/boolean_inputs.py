"""How an input that is true or false reaches a program: as `true` or `false`, and not as Python writes it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from runner.kinds.ansible_yaml import Block, Task

_ALONE = r"\{\{(-?\s*)(NAMES)(\s*\|\s*quote)?(\s*-?)\}\}"


def spell(item: Task | Block, names: Collection[str]) -> Task | Block:
    """`item` in which each `{{ name }}` of the inputs `names`, which are true or false, is spelled as in JSON.

    Only what makes up the words, the input and the environment of a program is: a module takes it as it is.
    """
    if isinstance(item, Block):
        tasks, rescue = ([spell(each, names) for each in part] for part in (item.tasks, item.rescue))
        return replace(item, tasks=tasks, rescue=rescue)
    if not names or item.module != "ansible.builtin.command":
        return item
    pattern = re.compile(_ALONE.replace("NAMES", "|".join(sorted(names))))
    environment = item.keywords.get("environment")
    keywords = {"environment": _spelled(environment, pattern)} if environment else {}
    return replace(item, args=_spelled(item.args, pattern), keywords={**item.keywords, **keywords})


def _spelled(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(r"{{\1\2 | to_json\3\4}}", value)
    if isinstance(value, Mapping):
        return {key: _spelled(item, pattern) for key, item in value.items()}
    return [_spelled(item, pattern) for item in value] if isinstance(value, list | tuple) else value
