"""Commands of which shell code takes a failure for success, or does not see it: behind `!`, in a test, in `export`."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from tree_sitter import Node

from runner.core.deferred import regex
from runner.core.shell.command_wrappers import program_name, started
from runner.core.shell.shell_reader import COMMANDS, Shell
from runner.core.shell.syntax_tree import substitutions, walk

_CERTAIN = """
test [ [[ true false : echo printf cat date hostname id pwd nproc uname whoami basename dirname mktemp pgrep pidof
command type which jobs
"""
_NEVER_UNSEEN = frozenset(_CERTAIN.split())
"""Programs that do not fail by themselves, or of which a failure says that there is nothing."""

_BRANCHES = frozenset({"if_statement", "elif_clause", "while_statement"})
_COUNTS = regex(r"\|\s*(?:wc\s+-[a-z]+|grep\s+-[a-z]*c[^|]*)\s*$")
_EMPTY = regex(r"""\s-z\s|!=|={1,2}\s*(?:""|'')\s*\]""")
_LITTLE = regex(r"""-(?:lt|le)\b|<|(?:-eq|={1,2})\s*["']?0\b""")


class UnseenFailure(NamedTuple):
    """The `program` whose failure is not seen, how that comes, and how the place is written."""

    program: str
    how: Literal["negated", "ignored", "tested", "declared"]
    written: str


def unseen_failures(shell: Shell) -> Iterator[UnseenFailure]:
    """Every command in `shell` of which a failure is taken for success, or not seen; none in what is not understood."""
    for node in walk(shell.root) if shell.understood else ():
        written = shell.text[node.start_byte : node.end_byte]
        how = _how(shell, node, written)
        inner = [node] if how in {"negated", "ignored"} else substitutions(node) if how else []
        programs = [name for each in inner if (name := _program(shell, each)) not in _NEVER_UNSEEN]
        yield from (UnseenFailure(name, how, written) for name in programs[:1] if how)


def _how(shell: Shell, node: Node, written: str) -> Literal["negated", "ignored", "tested", "declared"] | None:
    if node.type == "negated_command":
        return _negated(shell, node)
    if node.type == "declaration_command" and substitutions(node):
        return "declared"
    tests = node.type == "test_command" or (node.type == "command" and re.match(r"test\s", written))
    computes = node.type == "compound_statement" and written.startswith("((")
    inner = substitutions(node) if tests or computes else []
    found = [shell.text[each.start_byte : each.end_byte].strip("$()") for each in inner]
    if not found:
        return None
    counts = written.startswith("[[") or any(map(_COUNTS.search, found))
    around = written
    for each in found:
        around = around.replace(each, "")
    return "tested" if _EMPTY.search(f"{around}]") or (counts and _LITTLE.search(around)) else None


def _negated(shell: Shell, node: Node) -> Literal["negated", "ignored"] | None:
    """How a failure counts behind `!`: not at all where other commands follow, as that ends no script."""
    if any(each.type.startswith("here") for each in walk(node)):
        return None  # it reads what is written there, which cannot be missing
    outer: Node | None = node.parent
    at: Node | None = node
    while outer and outer.type in {"list", "pipeline", "redirected_statement"}:
        outer, at = outer.parent, outer
    if outer is None or outer.type != "program":
        return None if outer is None or outer.type in _BRANCHES else "negated"
    return "negated" if [each for each in shell.root.named_children if each.type != "comment"][-1] == at else "ignored"


def _program(shell: Shell, node: Node) -> str:
    """The program that the first command in `node` starts; the one of a test where there is none."""
    words = next((shell.words_of(each) for each in walk(node) if each.type in COMMANDS), [])
    meant = words[started(words).at :] or ["test"]
    return program_name(meant[0])
