"""What each command in shell code is given on its standard input, as far as that is written there."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from tree_sitter import Node

from runner.core.shell.command_wrappers import program_name
from runner.core.shell.shell_reader import COMMANDS, SUBSTITUTED, Shell
from runner.core.shell.syntax_tree import walk

_PRINT, _PASS_ON = frozenset({"echo", "printf"}), frozenset({"cat", "tee"})


class FedCommand(NamedTuple):
    """The words of a command, the texts that it `reads`, as far as they are known, and what is `behind` it in a pipe.

    That are the arguments of all the commands whose output it is given.
    """

    words: list[str]
    reads: list[str]
    behind: Sequence[str] = ()

    @property
    def prints(self) -> list[str]:
        """The texts that it prints for sure."""
        name = program_name(self.words[0])
        return [" ".join(self.words[1:])] if name in _PRINT else self.reads if name in _PASS_ON else []


def calls(shell: Shell) -> Iterator[FedCommand]:
    """Every command, with what starts it."""
    before: dict[int, list[FedCommand]] = {}
    for node in walk(shell.root):
        if node.type == "pipeline":
            parts = [list(_calls_in(shell, part)) for part in _piped(node)]
            for earlier, part in zip(accumulate(parts, initial=[]), parts, strict=False):
                before |= {each.id: [call for _, call in earlier] for each, _ in part}
    for node, call in _calls_in(shell, shell.root):
        earlier_calls = before.get(node.id, [])
        reads = [*call.reads, *(text for each in earlier_calls for text in each.prints)]
        yield call._replace(reads=reads, behind=[word for each in earlier_calls for word in each.words[1:]])


def _calls_in(shell: Shell, node: Node) -> Iterator[tuple[Node, FedCommand]]:
    for each in walk(node):
        if each.type in COMMANDS and (words := shell.words_of(each)):
            # What stands in `<(...)` is read like standard input.
            parts = [inner for part in each.named_children if part.type == SUBSTITUTED for inner in part.named_children]
            printed = [text for part in parts for _, call in _calls_in(shell, part) for text in call.prints]
            yield each, FedCommand(words, [*_given(shell, each), *printed])


def _given(shell: Shell, command: Node) -> Iterator[str]:
    """What stands behind `<<<` and `<<`."""
    outer = command.parent
    if outer and outer.type == "pipeline" and outer.named_children[-1] == command:
        outer = outer.parent
    around = [command, *([outer] if outer and outer.type == "redirected_statement" else [])]
    for each in (redirect for part in around for redirect in part.children):
        if each.type == "herestring_redirect":
            yield from map(shell.word, each.named_children)
        elif each.type == "heredoc_redirect":
            yield from (shell.filled(body) for body in each.named_children if body.type == "heredoc_body")


def _piped(pipeline: Node) -> list[Node]:
    """The parts of a pipeline; one that stands behind `<<EOF` begins with the command that reads that."""
    redirect = pipeline.parent
    statement = redirect.parent if redirect and redirect.type == "heredoc_redirect" else None
    first = statement.child_by_field_name("body") if statement else None
    return [*([first] if first else []), *pipeline.named_children]
