"""Kinds say of themselves what others ask: nobody outside of `runner/kinds` knows which kinds there are."""

from __future__ import annotations

import ast

import pytest
from harness.source_tree import modules, nodes

from runner.kinds import plugins
from runner.kinds.steps.base import StepKind
from runner.kinds.verifications.base import VerificationKind

SHARED = {"base", "plugins"}
"""The modules of the packages of kinds that hold no kind."""
NAMES = {kind.__name__ for table in (plugins.steps(), plugins.verifications()) for kind in table.values()}
NAMES |= {StepKind.__name__, VerificationKind.__name__, "CommandKind", "HttpRequest", "Statement"}


def names(node):
    """The names in what is asked for by `isinstance`: a class, a tuple or a union of classes."""
    return {
        each.id if isinstance(each, ast.Name) else each.attr
        for each in ast.walk(node)
        if hasattr(each, "ctx") and isinstance(each, ast.Name | ast.Attribute)
    }


def knowing(tree):
    """The lines in which a module knows a kind: imports one, asks for its class, or compares its key."""
    kinds = set()
    for node in nodes(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("runner.kinds."):
            kinds |= {alias.asname or alias.name for alias in node.names} & NAMES
            package, _, module = str(node.module).rpartition(".")
            if package in {"runner.kinds.steps", "runner.kinds.verifications"} and module not in SHARED:
                yield node.lineno, f"imports {node.module}"
    for node in nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            if names(node.args[1]) & kinds:
                yield node.lineno, "asks which kind it is"
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            keyed = any(isinstance(side, ast.Attribute) and side.attr == "key" for side in sides)
            literal = any(
                isinstance(each, ast.Constant) and isinstance(each.value, str)
                for side in sides
                for each in ast.walk(side)
            )
            if keyed and literal:
                yield node.lineno, "compares a key"


def test_nobody_outside_asks_which_kind_it_is():
    asking = {name: list(knowing(module)) for name, module in modules().items() if not name.startswith("kinds/")}

    assert {name: where for name, where in asking.items() if where} == {}


@pytest.mark.parametrize(
    "text",
    [
        "from runner.kinds.steps.shell_step import STRICT",
        "from runner.kinds.verifications.base import VerificationKind\nisinstance(kind, VerificationKind)",
        "from runner.kinds.steps.base import StepKind\nisinstance(kind, (str, StepKind))",
        "from runner.kinds.steps.base import StepKind\nisinstance(kind, int | StepKind)",
        "kind.key == 'http'",
        "work.kind.key not in {'shell', 'script'}",
        "'sql' != step.action.key",
    ],
)
def test_what_asks_so_would_be_found(text):
    assert len(list(knowing(ast.parse(text)))) == 1


def test_our_kinds_declare_their_shell_code_and_statements(tmp_path):
    step = plugins.steps()

    def read_file(_):
        return "#!/bin/sh\nrm -rf /srv/old\n"

    shell = step["shell"](shell="rm -rf /srv/old")
    command = step["command"](command=["sudo", "rm", "-rf", "/srv/old"])
    script = step["script"](script="x.sh")
    assert [each.destroys(read_file) for each in (shell, command, script)] == ["rm -rf /srv/old"] * 3
    assert [each.programs(read_file) for each in (shell, command, script)] == [["rm"], ["rm"], ["sh", "rm"]]
    sql = step["sql"](sql="DELETE FROM carts")
    assert (sql.sql_statement, sql.destroys(read_file), sql.programs(read_file)) == (
        "DELETE FROM carts",
        "DELETE FROM",
        ["psql"],
    )
    assert step["http"].model_validate({"http": {"url": "http://x", "method": "PUT"}}).changes(read_file) == "PUT"
    wait = step["wait"].model_validate({"wait": "5s"})
    assert (wait.destroys(read_file), wait.changes(read_file), wait.shell_code(read_file)) == ("", "", None)


def test_two_ways_to_write_the_same_are_one():
    step, look = plugins.steps(), plugins.verifications()
    line = "systemctl restart nginx"
    assert step["shell"](shell=line).canonical == line
    assert step["command"](command=["bash", "-c", line]).canonical == line
    assert look["command"](command=line.split()).canonical == line
