# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of this machine whose templates a task fills in, and those that they include."""

from __future__ import annotations

import functools
import os
from typing import NamedTuple

from ansible.errors import AnsibleError
from jinja2 import Environment, nodes
from runbook_uses import parsed

MODULES = ("template", "win_template")
MARKS = [f"{kind}_{end}_string" for kind in ("block", "variable", "comment") for end in ("start", "end")]
"""Arguments of these by which other marks are those of a template."""
OTHER_MARKS = "#jinja2:"
"""What a file begins with that has other marks for its templates by itself."""


class FilledFile(NamedTuple):
    """A file with templates, how it is named, and what reads them: None where nobody knows which they are."""

    name: str
    path: str
    text: str
    environment: Environment | None


def sources(task, args, loader):
    """Each file that the task with the `args` fills in, as Ansible's own module finds it."""
    name = args.get("src")
    if task.action.rpartition(".")[2] not in MODULES or not isinstance(name, str):
        return
    try:
        path = loader.path_dwim_relative_stack(task.get_search_path(), "templates", name)
    except AnsibleError:  # the task will fail, if that is the name of a file
        if "{{" in name:
            yield FilledFile(name, "", "", None)
        return
    environment = _environment(tuple(sorted((mark, str(args[mark])) for mark in MARKS if mark in args)))
    folders = [*task.get_search_path(), loader.get_basedir(), os.path.dirname(path)]
    yield from _with_included(name, path, environment, [f"{each}{below}" for each in folders for below in BELOW])


BELOW = ("/templates", "")
"""Where below a directory a file may be that another one includes."""


def _with_included(name, path, environment, folders):
    waiting, known = [(name, path)], set()
    while waiting:
        name, path = waiting.pop()
        text = _read(path)
        if path in known or text is None:
            continue
        known.add(path)
        tree = parsed(text, environment)
        yield FilledFile(name, path, text, None if tree is None or text.startswith(OTHER_MARKS) else environment)
        for each in _included(tree) if tree else ():
            if each is None:
                yield FilledFile(name, path, text, None)
            else:
                waiting += [(each, path) for path in _places(each, folders)][:1]


def _included(tree):
    """The name of each file that is included; None for one that is only known later."""
    for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        named = node.template
        for part in named.items if isinstance(named, (nodes.List, nodes.Tuple)) else [named]:
            yield part.value if isinstance(part, nodes.Const) else None


def _places(name, folders):
    return [path for folder in folders if os.path.isfile(path := os.path.join(folder, name))]


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return None


@functools.cache
def _environment(marks):
    return Environment(autoescape=False, **dict(marks))  # noqa: S701 - it only parses
