"""Shell code as bash takes it apart: commands and pipelines, comments, the variables that are used and set."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import accumulate, pairwise
from types import MappingProxyType

from tree_sitter import Node

from runner.core.deferred import dataclass, regex
from runner.core.shell.command_wrappers import program_name, started
from runner.core.shell.syntax_tree import substitutions, tree_of, walk

_WORDS = regex(r"(?:\{\{.*?\}\}|\S)+", re.DOTALL)
COMMANDS = frozenset({"command", "declaration_command", "unset_command", "test_command"})
_JOINS = frozenset({";", "&", "&&", "||", ";;", "\n"})
_NO_COMMANDS = frozenset({"function_definition", "comment", "variable_assignment", "heredoc_body", "ERROR"})
_ASSIGN = frozenset({"for_statement", "declaration_command", "unset_command"})
_READERS = frozenset({"read", "mapfile", "readarray", "getopts", "printf", "wait"})
_INTO_FILE = regex(r"(?:1|&)?>[>|]?\s*(?!&|/dev/(?:null|stderr))")
_UNKNOWN: Mapping[str, str] = MappingProxyType({})
SUBSTITUTED, STDIN = "process_substitution", "/dev/stdin"
"""What stands in `<(...)`, and how it stands among words: it is read once as well, from its beginning to its end."""
_DEEPEST = 6
"""Shell code within shell code (`ssh host "bash -c '...'"`) is followed as far as this."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments, without what only starts it.

    `source` is how it is written from the program on, at the character `offset` of the code; `through` are the programs
    with work of their own that start it (ssh, xargs, bash ...).
    """

    words: tuple[str, ...]
    source: str = ""
    offset: int = 0
    into_file: bool = False
    through: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The program, without its directory."""
        return program_name(self.words[0]) if self.words else ""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by `|`, whether it fails when any of them does, and the operator that stands behind it."""

    commands: tuple[Command, ...]
    then: str = ""
    strict: bool = True


@dataclass(frozen=True, slots=True)
class _Written:
    """The words of a command, each with its place in the `text`, up to the place `end`."""

    text: str
    words: Sequence[tuple[str, int]]
    end: int
    into_file: bool = False


class Shell:
    """The shell code `text`, in which templates stand for words; `strict`: a pipe fails when one of its parts does.

    `values` are variables of which it is known what they hold: that stands in the words for them.
    """

    def __init__(self, text: str, *, strict: bool = True, depth: int = 0, values: Mapping[str, str] = _UNKNOWN) -> None:
        self.text, self._strict, self._depth, self.values = text, strict, depth, values
        self.root = tree_of(text)

    @property
    def understood(self) -> bool:
        """Whether all of it is shell code, as far as the grammar knows."""
        return not self.root.has_error

    @cached_property
    def _nodes(self) -> Sequence[Node]:
        return list(walk(self.root))

    def pipelines(self) -> list[Pipeline]:
        """The pipelines in order, without those in a substitution; none where the code is not understood."""
        return list(self._below(self.root)) if self.understood else []

    def commands(self) -> list[Command]:
        """Every command in order, wherever it stands, as far as the code is understood."""
        written = [self._written(node) for node in self._nodes if node.type in COMMANDS]
        parts = [part for each in written for part in (each, *_executed(each))]
        return [command for each in parts for pipeline in self._begun(each) for command in pipeline.commands]

    def words_of(self, command: Node) -> list[str]:
        """The words of the `command`, with what starts it."""
        return [word for word, _ in self._written(command).words]

    def settings(self) -> dict[str, str]:
        """What each variable is set to; the output of a command is left out."""
        nodes = [each for each in self._nodes if each.type == "variable_assignment"]
        values = [(re.match(r"\w+", self._slice(each)), each.child_by_field_name("value")) for each in nodes]
        return {name[0]: self.word(value) for name, value in values if name and value and not substitutions(value)}

    def comments(self) -> list[range]:
        """Where the comments are."""
        return [range(node.start_byte, node.end_byte) for node in self._nodes if node.type == "comment"]

    def functions(self) -> Mapping[str, str]:
        """The functions that it defines, each with its body."""
        nodes = [node for node in self._nodes if node.type == "function_definition"]
        parts = [(node.child_by_field_name("name"), node.child_by_field_name("body")) for node in nodes]
        return {self._slice(name): self._slice(body) for name, body in parts if name and body}

    def used(self) -> list[str]:
        """The variables whose value is taken, in order, without those that it says a default for."""
        return list(dict.fromkeys(name for node in self._nodes for name in self._used(node)))

    def assigned(self) -> frozenset[str]:
        """The variables that it sets, or asks about."""
        return frozenset(name for node in self._nodes for name in self._assigned(node))

    def _slice(self, node: Node) -> str:
        return self.text[node.start_byte : node.end_byte]

    def _begun(self, written: _Written, *, later: Sequence[Command] = (), then: str = "") -> Iterator[Pipeline]:
        yield from _begun(written, later=later, then=then, strict=self._strict, depth=self._depth)

    def _below(self, node: Node, *, later: Sequence[Command] = (), then: str = "") -> Iterator[Pipeline]:
        """The pipelines in `node`, whose output goes to the commands `later`; `then` stands behind the last of them."""
        if node.type in COMMANDS:
            yield from self._begun(self._written(node), later=later, then=then)
        elif node.type == "pipeline":
            yield from self._piped(node.named_children, later=later, then=then)
        elif node.type == "redirected_statement":
            yield from self._redirected(node, later=later, then=then)
        elif node.type not in _NO_COMMANDS:
            children = [each for each in node.children if each.is_named or each.type in _JOINS]
            for child, behind in pairwise([*children, None]):
                if child is not None and child.is_named:
                    ends = behind is None or (then and behind.type == ";" and behind == children[-1])
                    joined = then if ends or behind is None else behind.type if behind.type in _JOINS else ""
                    yield from self._below(child, later=later, then=joined)

    def _piped(self, parts: Sequence[Node], *, later: Sequence[Command], then: str) -> Iterator[Pipeline]:
        """One pipeline of `parts`; a part with several commands (a loop, another shell's code) is one for each."""
        found: list[Pipeline] = []
        for part in reversed(parts):
            into = found[0].commands if found else later
            inner = list(self._below(part, later=into, then=then))
            found = [*inner, *found[1:]] if inner else found
        yield from found

    def _redirected(self, node: Node, *, later: Sequence[Command], then: str) -> Iterator[Pipeline]:
        body = node.child_by_field_name("body")
        redirects = [each for each in node.children if each.type.endswith("_redirect")]
        # What stands behind `<<EOF` on its line is, to the grammar, a part of the redirection.
        behind = [inner for each in redirects if each.type == "heredoc_redirect" for inner in each.named_children]
        piped = [part for each in behind if each.type == "pipeline" for part in each.named_children]
        found = list(self._piped([*filter(None, [body]), *piped], later=later, then=then))
        redirects += [each for each in behind if each.type == "file_redirect"]
        if found and any(map(self._into_file, redirects)):
            *commands, last = found[-1].commands
            found[-1] = replace(found[-1], commands=(*commands, replace(last, into_file=True)))
        yield from found
        for each in behind:
            if each.type in COMMANDS | {"list", "redirected_statement"}:
                yield from self._below(each, then=then)

    def _into_file(self, redirect: Node) -> bool:
        return redirect.type == "file_redirect" and bool(_INTO_FILE.match(self._slice(redirect)))

    def _written(self, node: Node) -> _Written:
        if node.type == "command":
            parts = [each for each in node.named_children if not each.type.endswith("_redirect")]
            words = [(self.word(each), each.start_byte) for each in parts]
        else:
            words = [(match[0], node.start_byte + match.start()) for match in _WORDS.finditer(self._slice(node))]
        around = node.parent if node.parent and node.parent.type == "redirected_statement" else node
        return _Written(self.text, words, around.end_byte, any(map(self._into_file, node.children)))

    def word(self, node: Node) -> str:
        """What a word is without its quotation marks; what only a run can tell stays as it is written."""
        written = self._slice(node)
        match node.type:
            case "raw_string":
                return written[1:-1]
            case "string":
                return re.sub(r'\\(["\\`$])', r"\1", self.filled(node)[1:-1])
            case "simple_expansion" | "expansion" | "command_substitution":
                return self.filled(node)
            case "concatenation" | "command_name":
                return "".join(map(self.word, node.named_children)) if node.named_children else written
            case "word":
                return written if "{{" in written else re.sub(r"\\(\n?)(.?)", r"\2", written)
        return STDIN if node.type == SUBSTITUTED and written.startswith("<") else written

    def filled(self, node: Node) -> str:
        """How `node` is written, with the values of variables that are known."""
        text = self._slice(node)
        kinds = ("expansion", "command_substitution") if self.values else ("expansion",)
        for each in reversed([each for each in (node, *node.children) if each.type.endswith(kinds)]):
            names = (
                self._slice(part) for part in each.named_children if part.type.endswith("variable_name")
            )  # "$@" too
            value = next((self.values[name] for name in names if name in self.values), None)
            if each.type == "command_substitution":
                value = self._printed(each)
            if value is not None and not self._slice(each).startswith("${#"):
                text = text[: each.start_byte - node.start_byte] + value + text[each.end_byte - node.start_byte :]
        return text

    def _printed(self, substitution: Node) -> str | None:
        """What `$(echo ...)` stands for; None where that is the output of another program."""
        commands = [self.words_of(each) for each in walk(substitution) if each.type in COMMANDS]
        return " ".join(commands[0][1:]) if len(commands) == 1 and commands[0][0] in {"echo", "printf"} else None

    def _variables(self, node: Node) -> Iterator[str]:
        return (self._slice(each) for each in node.named_children if each.type == "variable_name")

    def _used(self, node: Node) -> Iterator[str]:
        defaulted = any(each.type.lstrip(":") in {"-", "+", "=", "?"} for each in node.children)
        if node.type in {"simple_expansion", "expansion"} and not defaulted:
            yield from (name for name in self._variables(node) if not name.isdigit())

    def _assigned(self, node: Node) -> Iterator[str]:
        if node.type == "variable_assignment":
            yield from re.findall(r"\A\w+", self._slice(node))
        elif node.type in _ASSIGN or any(each.type in {"=", ":="} for each in node.children):
            yield from self._variables(node)
        elif node.type == "test_command":
            yield from re.findall(r"-v\s+(\w+)", self._slice(node))
        elif node.type == "command":
            words = re.findall(r"(?<![^\s\"'])[A-Za-z_]\w*(?![^\s\"'])", self._slice(node))
            yield from words[1:] if words[:1] and words[0] in _READERS else ()


def of_arguments(words: Sequence[str]) -> list[Pipeline]:
    """What a program with arguments starts, which no shell reads."""
    places = accumulate((len(word) + 1 for word in words), initial=0)
    text = " ".join(words)
    return list(_begun(_Written(text, list(zip(words, places, strict=False)), len(text)), strict=True))


def _begun(
    written: _Written, *, strict: bool, later: Sequence[Command] = (), then: str = "", depth: int = 0
) -> Iterator[Pipeline]:
    """The pipeline of a command; those of the code that it hands to another shell."""
    begun = started([word for word, _ in written.words])
    if not written.words[begun.at :]:
        return
    at = written.words[begun.at][1]
    if begun.code is not None and depth < _DEEPEST:
        inner = Shell(begun.code, strict=begun.strict, depth=depth + 1).pipelines()
        for pipeline, behind in pairwise([*inner, None]):
            if pipeline is not None:
                commands = [_moved(each, written, at, begun.through) for each in pipeline.commands]
                yield Pipeline((*commands, *later), then if behind is None else pipeline.then, pipeline.strict)
        if inner:
            return
    words = tuple(word for word, _ in written.words[begun.at :])
    command = Command(words, written.text[at : written.end], at, written.into_file, begun.through)
    yield Pipeline((command, *later), then, strict)


def _moved(command: Command, written: _Written, start: int, through: tuple[str, ...]) -> Command:
    """A `command` of code within other code, where it stands in that."""
    offset = max(written.text.find(command.source, start), start)
    rest = written.text[offset : written.end]
    source = rest if "<<" in rest.removeprefix(command.source) else command.source  # what it reads belongs to it
    into_file = command.into_file or written.into_file
    return Command(command.words, source, offset, into_file, (*through, *command.through))


def _executed(written: _Written) -> Iterator[_Written]:
    """What `find -exec` starts."""
    finds = "find" in [program_name(word) for word, _ in written.words]
    for number, (word, _) in enumerate(written.words):
        if finds and word in {"-exec", "-execdir", "-ok", "-okdir"}:
            yield _Written(written.text, written.words[number + 1 :], written.end)
