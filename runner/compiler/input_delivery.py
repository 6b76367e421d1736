"""How an input reaches a program: what is true or false as JSON writes it, and a secret where nobody else sees it."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from runner.core.templates import filtered, names_in
from runner.kinds.ansible_yaml import Block, Task

LIMIT = 3
"""Words of `timeout` before the program that it ends."""

EXPORT = """\
while [ "$1" != -- ]; do
  IFS= read -r value
  value=$(printf %s "$value" | base64 -d && printf .) || exit 125
  export "$1=${value%.}"
  shift
done
shift
exec "$@"
"""
"""A program that takes names up to `--`, reads a line of base64 for each, and becomes what follows, which has them."""

SHELL = ("/bin/sh", "-c", EXPORT, "sh")

_QUIET: Mapping[str, Any] = {
    # What our own report is about must be told; plain Ansible has no need of it.
    "no_log": "{{ runbook_run_id is not defined }}",
}
_NO_SYSLOG = {"ansible_no_target_syslog": True}
_ALONE = r"\{\{(-?\s*)(NAMES)(\s*\|\s*quote)?(\s*-?)\}\}"


def _in_each(item: Task | Block, change: Callable[[Task], Task]) -> Task | Block:
    """`item` with `change` made in each of its tasks."""
    if isinstance(item, Task):
        return change(item)
    tasks, rescue = ([_in_each(each, change) for each in part] for part in (item.tasks, item.rescue))
    return replace(item, tasks=tasks, rescue=rescue)


def spell(item: Task | Block, names: Collection[str]) -> Task | Block:
    """`item` in which each `{{ name }}` of the inputs `names`, which are true or false, is spelled as in JSON.

    Only what makes up the words, the input and the environment of a program is: a module takes it as it is.
    """
    pattern = re.compile(_ALONE.replace("NAMES", "|".join(sorted(names))))

    def spelled(task: Task) -> Task:
        if task.module != "ansible.builtin.command":
            return task
        environment = task.keywords.get("environment")
        keywords = {"environment": _spelled(environment, pattern)} if environment else {}
        return replace(task, args=_spelled(task.args, pattern), keywords={**task.keywords, **keywords})

    return _in_each(item, spelled) if names else item


def _spelled(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(r"{{\1\2 | to_json\3\4}}", value)
    if isinstance(value, Mapping):
        return {key: _spelled(item, pattern) for key, item in value.items()}
    return [_spelled(item, pattern) for item in value] if isinstance(value, list | tuple) else value


def hide(item: Task | Block, secrets: Collection[str]) -> Task | Block:
    """`item` with no secret in what the arguments of a program are made of; as it is where it has none of `secrets`."""

    def hidden(task: Task) -> Task:
        if not _has(secrets, [task.args, task.keywords.get("environment")]):
            return task
        if task.module == "ansible.builtin.command":
            task = _from_stdin(task, secrets)
        variables = {**task.keywords.get("vars", {}), **_NO_SYSLOG}
        return replace(task, keywords={**task.keywords, "vars": variables, **_QUIET})

    return _in_each(item, hidden) if secrets else item


def _has(names: Collection[str], value: Any) -> bool:
    if isinstance(value, str):
        return not names_in(value).isdisjoint(names)
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return any(_has(names, item) for item in items)


def _from_stdin(task: Task, secrets: Collection[str]) -> Task:
    """Environment variables with a secret in them come by standard input: Ansible would name them to a shell."""
    environment = task.keywords.get("environment")
    environment = environment if isinstance(environment, Mapping) else {}
    hidden = {name: value for name, value in environment.items() if _has(secrets, value)}
    if not hidden:
        return task
    argv = task.args["argv"]
    lines = "".join(f"{filtered(value, 'b64encode')}\n" for value in hidden.values())
    args = {
        **task.args,
        "argv": [*argv[:LIMIT], *SHELL, *hidden, "--", *argv[LIMIT:]],
        "stdin": lines + task.args.get("stdin", ""),
    }
    if "stdin" not in task.args:
        args["stdin_add_newline"] = False  # the command itself still reads nothing
    keywords = {key: value for key, value in task.keywords.items() if key != "environment"}
    rest = {name: value for name, value in environment.items() if name not in hidden}
    return replace(task, args=args, keywords={**({"environment": rest} if rest else {}), **keywords})
