"""The package is small in every part: packages, directories, files, functions, names.

Each list here names what does not keep a rule yet. A list may only shrink: what it names must still be so.
"""

from __future__ import annotations

import ast
import re
import statistics
from collections import Counter, defaultdict
from pathlib import Path

from harness.source_tree import PACKAGE, dotted, functions, imports, lines, modules, nodes

SAME_FILE_NAMES = {
    "base": "what the kinds of step, the kinds of verification, the channels and the rules of lint each promise",
}
"""File names that several packages have on purpose, besides the commands, which have the name of what they show."""

SMALL_MODULES: set[str] = {
    "lab/programs/leak.py",
}
"""Modules under 58 lines that fewer than two others import."""

PLUGINS = re.compile(
    r"""(kinds/(steps(/delivery)?|verifications(/\w+)*|secrets|probes) | channels | lint/rules | cli/commands/\w+ | executor/ansible/plugins.*)/\w+\.py
        | __main__\.py""",
    re.VERBOSE,
)
"""Files that something finds by where they are: one kind, channel, rule, command, probe or plug-in each."""


def repeated(places):
    return {name: sorted(where) for name, where in places.items() if len(where) > 1}


def test_there_are_few_packages_and_no_loose_modules():
    assert len([path for path in PACKAGE.iterdir() if (path / "__init__.py").exists()]) <= 20
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_a_directory_holds_few_files_and_few_lines():
    files = Counter(str(Path(name).parent) for name in modules() if not name.endswith("__init__.py"))
    sizes = Counter()
    for name in modules():
        sizes[str(Path(name).parent)] += lines(name)

    assert {place: count for place, count in files.items() if count > 15} == {}
    assert {place: count for place, count in sizes.items() if count > 3000} == {}


def test_a_file_is_read_in_one_go():
    assert {name: lines(name) for name in modules() if lines(name) > 300} == {}


def test_functions_are_short():
    lengths = sorted(functions().values())

    assert statistics.median(lengths) <= 10
    assert lengths[len(lengths) * 9 // 10] <= 30
    assert {where: length for where, length in functions().items() if length > 60} == {}


def test_a_small_module_is_worth_its_file():
    wanted = Counter(name for module in modules().values() for name in set(imports(module)))
    small = {name for name in modules() if lines(name) < 58 and not PLUGINS.fullmatch(name)}

    assert {name for name in small if wanted[dotted(name)] < 2} == SMALL_MODULES


def test_a_file_name_occurs_once():
    places = defaultdict(set)
    for name in modules():
        if not name.endswith("__init__.py") and not name.startswith("cli/commands/"):
            places[Path(name).stem].add(name)

    assert repeated(places).keys() == SAME_FILE_NAMES.keys(), repeated(places)


def test_a_class_name_occurs_once():
    places = defaultdict(set)
    for name, module in modules().items():
        for node in nodes(module):
            if isinstance(node, ast.ClassDef):
                places[node.name].add(name)

    assert repeated(places) == {}


def test_a_file_begins_with_its_caption_in_one_sentence():
    first = {name: (ast.get_docstring(module) or "").split("\n\n")[0] for name, module in modules().items()}

    assert {name: caption for name, caption in first.items() if not re.fullmatch(r"[^\n]{1,117}\.", caption)} == {}
