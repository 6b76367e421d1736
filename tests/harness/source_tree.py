"""The product's own source, read for the tests of how it is built."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

from harness import ROOT, TESTS

PACKAGE = ROOT / "runner"


@functools.cache
def modules():
    """Every file of the package that holds code of its own, by its path below it."""
    return {str(path.relative_to(PACKAGE)): tree(path) for path in sorted(PACKAGE.rglob("*.py")) if is_module(path)}


def is_module(path):
    return path.name != "__init__.py" or bool(ast.parse(path.read_text(encoding="utf-8")).body[1:])


@functools.cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def nodes(module):
    """All that a file is made of, which several rules look at."""
    return tuple(ast.walk(module))


def lines(name):
    """How many lines the file `name` below the package has."""
    return len((PACKAGE / name).read_text(encoding="utf-8").splitlines())


def functions():
    """The length of every function and method, by where it stands."""
    return {
        f"{name}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for name, module in modules().items()
        for node in nodes(module)
        if isinstance(node, ast.FunctionDef)
    }


def imports(module):
    """The dotted names that a module imports, wherever in it."""
    for node in nodes(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted(name):
    """The module's name as an import has it."""
    return ".".join(("runner", *Path(name).with_suffix("").parts)).removesuffix(".__init__")


@functools.cache
def source_of_tests():
    """Every Python file of the tests, by its path below them."""
    return {str(path.relative_to(TESTS)): tree(path) for path in sorted(TESTS.rglob("*.py"))}
