"""One SQL statement as an author writes it: what is bound in it, whether it gives rows, and how psql is asked."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import PydanticCustomError

from runner.core.deferred import regex

_WIDTH = 110
_QUERIES = frozenset({"select", "values", "table"})
_CHANGES = frozenset({"insert", "update", "delete", "merge"})

# What a word, a quotation and a comment are, is said in
# https://www.postgresql.org/docs/current/sql-syntax-lexical.html; `open` is one of the latter two without an end.
_TOKEN = regex(
    r"""(?P<comment>--[^\n]*|/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/)
      | (?P<quoted>[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
          | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)
      | (?P<open>'|"|/\*|\$(?:[^\W\d]\w*)?\$)
      | %\((?P<name>\w+)\)s(?P<array>\s?::\s?[\w."]+(?:\ [\w."]+){0,4}(?:\([\d,\ ]{1,20}\))?\s?\[\])?
      | (?P<space>\s+)
      | (?P<variable>(?<!:):(?:[\w{'"]))
      | (?P<word>[^\W\d][\w$]*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A piece of a statement; `kind` is the group of `_TOKEN` that matched it."""

    kind: str
    text: str
    match: re.Match[str]


def check_statement(statement: str, params: Mapping[str, Any]) -> None:
    """That `statement` is one SQL statement, and that psql will read it so, with `params` bound and nothing pasted.

    Raises:
        ValueError: it is not; the message says what to write instead.
    """
    if any(mark in statement for mark in ("{{", "{%", "{#")):
        raise ValueError("a value is never pasted into SQL; write %(name)s and give it under params")
    tokens = _tokens(statement)
    _check_psql(tokens)
    if any(token.kind == "open" for token in tokens):
        raise ValueError("a quotation or a comment is not closed, or there is a comment inside a comment")
    if _is_more(tokens):
        raise ValueError("holds several statements; write one step for each, so that each is verified")
    if not _verb(tokens):
        raise ValueError("is empty")
    _check_params(tokens, params)


def statements(text: str) -> list[tuple[str, int]]:
    """Each statement of `text`, and how many lines stand above it; `text` as one where a quotation is not closed."""
    found: list[tuple[str, int]] = []
    pending, tokens = "", _tokens(text)
    if any(token.kind == "open" for token in tokens):
        return [(text.strip(), 0)]
    for token in (*tokens, None):
        if token is not None:
            pending += token.text
        ends = token is None or token.text == ";"
        if ends and any(part.kind not in {"comment", "space"} and part.text != ";" for part in _tokens(pending)):
            above = text[: text.index(pending.strip(), sum(len(piece) for piece, _ in found))].count("\n")
            found.append((pending.strip(), above))
            pending = ""
    return found


def _tokens(statement: str) -> list[Token]:
    tokens: list[Token] = []
    for match in _TOKEN.finditer(statement):
        tokens.append(Token("parameter" if match["name"] else str(match.lastgroup), match[0], match))
        if match["open"]:  # what follows means nothing, and looking for the end of each would take long
            break
    return tokens


def _is_more(tokens: Sequence[Token]) -> bool:
    """Whether anything but semicolons, spaces and comments follows the first semicolon."""
    meaning = [token.text for token in tokens if token.kind not in {"comment", "space"}]
    return bool(set(meaning[meaning.index(";") :]) - {";"}) if ";" in meaning else False


def _check_psql(tokens: Sequence[Token]) -> None:
    if any(token.text == "\\" for token in tokens):
        raise ValueError("psql reads \\ outside of quotes as a command of its own; a step is SQL only")
    if found := next((token.text for token in tokens if token.kind == "variable"), None):
        raise ValueError(f"psql reads {found}... as its own variable; bind %(name)s, or put a space after the colon")
    if _verb(tokens) == "show":
        raise ValueError("SHOW gives no rows to judge; write SELECT current_setting('name') AS value")


def _check_params(tokens: Sequence[Token], params: Mapping[str, Any]) -> None:
    arrays = parameters(tokens)
    if missing := sorted(set(arrays) - set(params)):
        message = "%({name})s has no value; give it under params"
        raise PydanticCustomError("undefined-placeholder", message, {"name": missing[0]})
    for name, value in params.items():
        if name not in arrays:
            quoted = any(token.kind == "quoted" and f"%({name})s" in token.text for token in tokens)
            write = "without quotes around it" if quoted else "in the statement"
            raise ValueError(f"the parameter {name!r} is not used; write %({name})s {write}")
        if isinstance(value, list) and not arrays[name]:
            raise ValueError(f"the parameter {name!r} is a list; say of what, like %({name})s::int[]")


def parameters(statement: str | Sequence[Token]) -> dict[str, bool]:
    """The names that `statement` wants bound, and whether it wants a list: each `%(name)s` that is not in quotes."""
    tokens = _tokens(statement) if isinstance(statement, str) else statement
    found: dict[str, bool] = {}
    for token in tokens:
        if token.kind == "parameter":
            found[token.match["name"]] = found.get(token.match["name"], False) or bool(token.match["array"])
    return found


def for_psql(statement: str) -> str:
    """What psql is given for `statement`: psql variables for its parameters, and its rows as one JSON list.

    psql quotes the value of `:'name'` itself. A list is one JSON text, which becomes an array again on the server.
    """
    tokens = _first(_tokens(statement))
    main = _main(tokens)
    if not _gives_rows(tokens, main):
        return f"{_text(tokens)}\n;\n"
    # What a CTE changes, it may change only at the top: the author's own CTEs go there, and the rest becomes the last.
    name = "answer"
    while any(token.text.lower() == name for token in tokens):
        name += "_"
    head = f"{_text(tokens[:main])}\n, " if main else "WITH "
    rest = _text(tokens[main:], indent="  ")
    return f"{head}{name} AS (\n  {rest}\n)\nSELECT coalesce(json_agg({name}), '[]') FROM {name};\n"


def _first(tokens: Sequence[Token]) -> list[Token]:
    """The tokens up to the semicolon."""
    texts = [token.text for token in tokens]
    return list(tokens[: texts.index(";")] if ";" in texts else tokens)


def _top(tokens: Sequence[Token]) -> Iterator[tuple[int, str, str]]:
    """The position and text of each word outside of parentheses, in lower case, and the text of what is before it."""
    depth, before = 0, ""
    for position, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.kind == "word" and depth == 0:
            yield position, token.text.lower(), before
        if token.kind not in {"comment", "space"}:
            before = token.text.lower()


def _verb(tokens: Sequence[Token]) -> str:
    return next((token.text.lower() for token in tokens if token.kind == "word"), "")


def _main(tokens: Sequence[Token]) -> int:
    """The position of the main statement after the CTEs, 0 where there are none."""
    if _verb(tokens) != "with":
        return 0
    # The name of a CTE may be spelled like a verb: it stands after one of these.
    names = {"with", "recursive", ","}
    verbs = _QUERIES | _CHANGES
    return next((at for at, word, before in _top(tokens) if word in verbs and before not in names), 0)


def _gives_rows(tokens: Sequence[Token], main: int) -> bool:
    words, verb = {word for _, word, _ in _top(tokens[main:])}, _verb(tokens[main:])
    if verb in _CHANGES:
        return "returning" in words
    return verb in _QUERIES | {"with"} and "into" not in words


def _text(tokens: Sequence[Token], *, indent: str = "") -> str:
    """The tokens as psql wants them, in lines that are not too long; quotations and comments stay as they are."""
    lines, margin = [""], indent
    for space, chunk in _chunks(_stripped(tokens)):
        width = len(lines[-1].rpartition("\n")[2] + space + chunk.partition("\n")[0])
        if "\n" in space:
            margin = indent + space.rpartition("\n")[2].expandtabs(4)
            lines.append(margin + chunk)
        elif space and width > _WIDTH:
            lines.append(margin + chunk)
        else:
            lines[-1] += space.expandtabs(1) + chunk
    return "\n".join(lines)


def _stripped(tokens: Sequence[Token]) -> Sequence[Token]:
    inner = [position for position, token in enumerate(tokens) if token.kind != "space"]
    return tokens[inner[0] : inner[-1] + 1] if inner else ()


def _chunks(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """What stands between spaces, each after the space before it."""
    space, chunk = "", ""
    for token in tokens:
        if token.kind == "space":
            yield space, chunk
            space, chunk = token.text, ""
        else:
            chunk += _placeholder(token.match) if token.kind == "parameter" else token.text
    yield space, chunk


def _placeholder(match: re.Match[str]) -> str:
    if match["array"]:
        return f"ARRAY(SELECT jsonb_array_elements_text(:'{match['name']}')){match['array']}"
    return f":'{match['name']}'"
