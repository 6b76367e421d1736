"""What bash computes with, which makes it do a command that stands in an index, as in `a[$(reboot)]`, quoted or not."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from runner.core.deferred import regex
from runner.core.shell.command_input import calls
from runner.core.shell.command_wrappers import program_name
from runner.core.shell.shell_reader import Shell
from runner.core.shell.syntax_tree import TEMPLATE, substitutions, walk

_COMPARES = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
_DECLARES_NUMBER = regex(r"\w+\s+(?:-\w+\s+)*-\w*i")
_MAPS = regex(r"\b(?:declare|local|typeset)\s+(?:-\w+\s+)*-\w*A\w*\s+([^;&|\n]*)")


def computed(shell: Shell) -> Iterator[str]:
    """Each text that bash computes with, without the commands in it, and with what its variables are known to hold."""
    maps = {name for match in _MAPS.finditer(shell.text) for name in re.findall(r"\w+", match[1])}
    for node in walk(shell.root):
        for start, end in _places(node, shell.text, maps):
            text = shell.text[start:end]
            for each in reversed([each for each in substitutions(node) if start <= each.start_byte < end]):
                text = text[: each.start_byte - start] + text[each.end_byte - start :]
            names = re.findall(r"[A-Za-z_]\w*|(?<=[${])\d", TEMPLATE.sub(" ", text))
            yield " ".join([text, *(shell.values[name] for name in names if name in shell.values)])
    for call in calls(shell):
        yield from _named(call.words)


def _places(node: Node, text: str, maps: set[str]) -> Iterator[tuple[int, int]]:
    """From where to where in `text` the `node` is arithmetic; the index of one of the `maps` is a name."""
    written = text[node.start_byte : node.end_byte]
    match node.type:
        case "arithmetic_expansion":
            yield node.start_byte, node.end_byte
        case "compound_statement" if written.startswith("(("):
            yield node.start_byte, node.end_byte
        case "subscript" if written.partition("[")[0] not in maps:
            yield node.start_byte, node.end_byte
        case "c_style_for_statement":
            body = node.child_by_field_name("body")
            yield node.start_byte, body.start_byte if body else node.end_byte
        case "expansion":
            yield from ((each.end_byte, node.end_byte) for each in node.children if each.type in {":", "!"})
        case "test_command":
            yield from _compared(node, text)
        case "declaration_command" if _DECLARES_NUMBER.match(written):
            yield node.start_byte, node.end_byte


def _compared(test: Node, text: str) -> Iterator[tuple[int, int]]:
    """The operands in a `test` that are numbers, which `[` does not compute, and the variable that `-v` asks about."""
    computes = text.startswith("[[", test.start_byte)
    for node in walk(test):
        for part in node.children:
            operator = text[part.start_byte : part.end_byte] if part.type == "test_operator" else ""
            if operator == "-v" or (computes and operator in _COMPARES):
                yield node.start_byte, node.end_byte


def _named(words: list[str]) -> Iterator[str]:
    """The words of a command that are the names of variables, or arithmetic."""
    match [program_name(words[0]), *words[1:]] if words else []:
        case ["let" | "unset", *names]:
            yield from names
        case ["read", *names]:
            yield from (name for name in names if not name.startswith("-"))
        case ["test", "-v", name, *_] | ["test", "!", "-v", name, *_] | ["printf", "-v", name, *_]:
            yield name
