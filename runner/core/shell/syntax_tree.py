"""The syntax tree of shell code in which templates stand for words."""

import re
from collections.abc import Iterator
from functools import lru_cache

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from runner.core.deferred import regex

_BASH = Language(tree_sitter_bash.language())
TEMPLATE = regex(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


def tree_of(text: str) -> Node:
    """The root of the tree of `text`, in which each place is that in the text."""
    return _tree(TEMPLATE.sub(_masked, text))


def _masked(template: re.Match[str]) -> str:
    """Something that is as long and that a shell understands: a word for a value, nothing for what decides."""
    return ("x" if template[0].startswith("{{") else " ") * len(template[0])


@lru_cache(maxsize=512)
def _tree(text: str) -> Node:
    # A character is a byte then, so that places in the tree are places in the text.
    return Parser(_BASH).parse(text.encode("ascii", "replace")).root_node


def walk(node: Node) -> Iterator[Node]:
    """`node` and all below it, in order; without recursion, as shell code may be nested deeper than Python goes."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += reversed(each.children)


def substitutions(node: Node) -> list[Node]:
    """Where `node` takes the output of a command."""
    return [each for each in walk(node) if each.type == "command_substitution"]
