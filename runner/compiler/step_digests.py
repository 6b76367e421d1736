"""What each step does and how it is verified, as digests: a proof belongs to what was proven, not to its place."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from runner.compiler.compiler import step_tasks
from runner.compiler.delegation import delegated
from runner.core.identifiers import Marker
from runner.kinds.ansible_yaml import Block, Task
from runner.library.runbook_source import Source
from runner.model.step import Step

_LENGTH = 16


def step_digests(source: Source) -> dict[str, str]:
    """For each step a digest of what it does and one of its verifications, as `ACTION:VERIFICATIONS`.

    Both cover what the step uses of earlier ones, and of the files that the runbook of `source` names. How it is
    called, and what is asked before it, are in neither.

    Raises:
        ValueError: a file that a step names cannot be used.
    """
    digests: dict[str, str] = {}
    sources = {name: _digest(value, {}) for name, value in source.values.items()}
    for step in source.runbook.procedure:
        action, verify = (_digest(part, sources) for part in _contents(source, step))
        digests[step.id] = f"{action}:{verify}"
        sources |= dict.fromkeys((*step.capture, *step.choose), action)
    return digests


def _contents(source: Source, step: Step) -> tuple[Any, Any]:
    """What is done, and what is verified, without words that are only for people."""
    tasks = [
        (_is_check(item), _without_titles(item.data())) for item in step_tasks(source.runbook, step, source.read_file)
    ]
    needs = step.action.library_files if step.action else ()
    files = {name: sha256 for name, sha256 in source.side_files.digests.items() if _is_below(name, needs)}
    choices = {name: choice.model_dump(mode="json") for name, choice in step.choose.items()}
    constructs = [step.only_if, step.each.model_dump(mode="json") if step.each else None]
    around = [step.become, step.become_user, *filter(None, constructs), *delegated(step.on, ()).values()]
    by_hand = step.action.describe() if step.action and not step.acts else None
    action = [[data for check, data in tasks if not check], by_hand, choices, *around, *([files] if files else [])]
    verify = [[data for check, data in tasks if check], [item.says for _, item in step.confirmations], *around]
    return action, verify


def _is_below(name: str, directories: Iterable[str]) -> bool:
    return any(name == each or name.startswith(f"{each}/") for each in directories)


def _is_check(item: Task | Block) -> bool:
    marker = Marker.parse(item.name)
    return marker is not None and marker.part.startswith("verify/")


def _without_titles(value: Any) -> Any:
    """The tasks with their markers in place of their names."""
    if isinstance(value, Mapping):
        return dict(_entries(value.items()))
    return [_without_titles(item) for item in value] if isinstance(value, list | tuple) else value


def _entries(items: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    for key, item in items:
        marker = Marker.parse(item) if key == "name" and isinstance(item, str) else None
        yield key, str(marker) if marker else _without_titles(item)


def _digest(value: Any, sources: Mapping[str, str]) -> str:
    """The digest of `value`, and of the steps in `sources` that have found what it speaks of."""
    text = json.dumps(value, sort_keys=True, default=str)
    names = sorted({*re.findall(r"\w+", text)} & sources.keys())
    whole = "\n".join((text, *(f"{name} {sources[name]}" for name in names)))
    return hashlib.sha256(whole.encode()).hexdigest()[:_LENGTH]
