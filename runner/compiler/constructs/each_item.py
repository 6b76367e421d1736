"""A step with `each` as Ansible tasks: which items there are, and a file of tasks that is included once for each."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.core.identifiers import Marker
from runner.core.step_tags import captured_fact, due_fact, items_fact, items_tag, recheck_tag, step_tag, undo_id
from runner.core.templates import inside, only_expression, pieces
from runner.kinds.ansible_yaml import Block, Task
from runner.model.names import ITEM, NUMBER
from runner.model.procedure.each import MOST_ITEMS, Each
from runner.model.step import Effect, Step

_TITLE = 120
"""Characters of a name of ours, which stands in one line."""

_IS_LIST = "items is sequence and items is not string and items is not mapping"

DIRECTORY = "tasks"
"""Where the files lie, beside the playbook; ansible-lint takes what lies in a directory of that name for tasks."""


def file_of(runbook: str, step_id: str) -> str:
    """The file of tasks that are done for each item of the step, or of its undo, relative to the playbook."""
    return f"{DIRECTORY}/{runbook}.{step_id}.yml"


def included_files(directory: Path, runbook: str) -> list[Path]:
    """Every such file of the runbook in the `directory` of its playbook, of whatever form of it."""
    return sorted((directory / DIRECTORY).glob(f"{runbook}.*.yml"))


def finds(
    runbook: str, step: Step, keywords: Mapping[str, Any], rescue: Sequence[Task], tags: Sequence[str]
) -> Iterator[Task | Block]:
    """The tasks that find out which items there are, and that they are not too many; nothing without `each`.

    A run does not find them anew: it goes on with those that it has begun with. A host that has no such list fails, or
    does `rescue` if there is any, and then has no item.
    """
    if step.each is None:
        return
    fact, given = items_fact(step.id), f"{{{{ {_now(step.each)} }}}}"
    first = {"when": f"{fact} is not defined"}
    that = [_IS_LIST, f"items | length <= {step.each.limit}"]
    title = f"Take no more than {step.each.limit} of {step.each.source}"
    module, about = "ansible.builtin.assert", {**first, "vars": {"items": given}}
    args = {"that": that, "fail_msg": _fail_message(step.each), "quiet": True}
    limit = Task(_name(runbook, step, "limit", title), module, args, about)
    items = Task(_name(runbook, step, "items", "Keep the items"), "ansible.builtin.set_fact", {fact: given}, first)
    none = [Task(rescue[0].name, "ansible.builtin.set_fact", {fact: []})] if rescue else []
    tagged = {"tags": [step_tag(step.id), items_tag(step.id), *tags], **keywords}
    name = f"{runbook}/{step.id} | {_short(f'For each of {step.each.source}')}"
    yield Block(name, [limit, items], tagged, [*rescue, *none])


def _fail_message(each: Each) -> str:
    """What is said where the list cannot be used: how many items it has, or that it is none; a template."""
    source = repr(_short(each.source))
    more = f"' items; at most {each.limit}'"
    if each.limit < MOST_ITEMS:
        more = (
            f"' items; at most {each.limit} (each: {{of: ..., limit: {min(2 * each.limit, MOST_ITEMS)}}} allows more)'"
        )
    no_list = f"{source} ~ (' is a text, not a list' if items is string else ' is not a list')"
    return f"{{{{ (inventory_hostname ~ ' has ' ~ items | length ~ {more}) if {_IS_LIST} else {no_list} }}}}"


def around(runbook: str, step: Step) -> Iterator[Task]:
    """What stands in the place of the tasks of `step`, which stand in a file of their own."""
    again = step.effect is not Effect.READ and bool(step.repeated)
    number = f"{{{{ {due_fact(step.id)} | default(range(1, {items_fact(step.id)} | length + 1) | list) }}}}"
    tags = {"tags": [recheck_tag(step.id)]} if again else {}
    item = f"{{{{ {items_fact(step.id)}[{NUMBER} - 1] }}}}"
    yield _loop(_name(runbook, step, "each", step.name), file_of(runbook, step.id), number, item, tags)
    if step.capture:
        kept = f"{captured_fact(step.id)} | default([]) | length == {items_fact(step.id)} | length"
        title = _name(runbook, step, "limit", "Go no further unless something was captured of each item")
        yield Task(title, "ansible.builtin.assert", {"that": [kept], "quiet": True})
        yield Task(
            _name(runbook, step, "capture/all", "Keep what later steps need, of each item"),
            "ansible.builtin.set_fact",
            {name: f"{{{{ {_rows(step.id)} | map(attribute='{name}') | list }}}}" for name in step.capture},
        )


def _name(runbook: str, step: Step, part: str, title: str) -> str:
    return Marker(runbook, step.id, part).task_name(_short(title))


def _short(title: str) -> str:
    words = title.replace("{", "(").replace("}", ")")  # in which no template may begin
    return textwrap.shorten(words, _TITLE, placeholder=" ...")


def _rows(step_id: str) -> str:
    return f"{captured_fact(step_id)} | default([]) | sort(attribute='{ITEM}')"


def undone_around(runbook: str, step: Step, each: Each) -> Iterator[Task]:
    """The same of the undo of `step`: newest first."""
    name = undo_id(step.id)
    items = _items(step, each)
    number = f"{{{{ {due_fact(name)} | default(range({items} | length, 0, -1) | list) }}}}"
    item = f"{{{{ ({items})[{NUMBER} - 1] }}}}"
    title = Marker(runbook, name, "each").task_name(f"Undo: {step.name}")
    yield _loop(title, file_of(runbook, name), number, item, {})


def _loop(title: str, file: str, numbers: str, item: str, keywords: Mapping[str, Any]) -> Task:
    """One number after the other: hosts whose items have the same number are worked on together."""
    return Task(
        title,
        "ansible.builtin.include_tasks",
        {"file": file},
        {"loop": numbers, "loop_control": {"loop_var": NUMBER}, "vars": {ITEM: item}, **keywords},
    )


def _items(step: Step, each: Each) -> str:
    """The expression of the items: those that the run has begun with, or those that there are now."""
    return f"{items_fact(step.id)} | default({_now(each)})"


def _now(each: Each) -> str:
    return str(only_expression(each.of)) if isinstance(each.of, str) else _literal(each.of)


def _literal(value: Any) -> str:
    """`value`, which a runbook has, as a Jinja expression; a template in it stays one."""
    if isinstance(value, str):
        parts = [f"({inside(text)})" if is_template else repr(text) for is_template, text in pieces(value)]
        return " ~ ".join(parts) or "''"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_literal(key)}: {_literal(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return str(value).lower() if value is None or isinstance(value, bool) else repr(value)


def captured(step: Step) -> dict[str, str]:
    """What a step keeps of one item, besides what it has kept of those before."""
    values = "".join(f", '{name}': ({expression})" for name, expression in step.capture.items())
    before = f"{captured_fact(step.id)} | default([]) | rejectattr('{ITEM}', 'eq', {NUMBER}) | list"
    return {captured_fact(step.id): f"{{{{ ({before}) + [{{'{ITEM}': {NUMBER}{values}}}] }}}}"}
