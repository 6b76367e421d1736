"""Jinja templates as authors write them: what is a template, its pieces, its names and the filter it goes through."""

import re
import shlex
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any

import jinja2
from jinja2 import nodes
from pydantic import AfterValidator

_JINJA = jinja2.Environment(autoescape=False, keep_trailing_newline=True)  # noqa: S701 - nothing is rendered
"""How templates and conditions are taken apart; Ansible alone fills them in."""

NUMBERS = frozenset({"int", "float", "length", "count"})
"""The filters that give a number, whatever they are given."""


@lru_cache(maxsize=4096)
def parse(text: str) -> nodes.Template:
    """The tree of the template `text`; whoever asks for it again gets the same one, so that nobody may change it.

    Raises:
        TemplateSyntaxError: it is no template.
        RecursionError: it is nested too deeply.
    """
    return _JINJA.parse(text)


def parse_expression(text: str) -> nodes.Template:
    """The tree of the template that is the expression `text` alone.

    Raises:
        TemplateSyntaxError: it is no expression.
        RecursionError: it is nested too deeply.
    """
    return parse(f"{{{{ {text} }}}}")


def has_template(text: str) -> bool:
    """Whether a template, or the comment of one, begins in `text`."""
    return any(mark in text for mark in ("{{", "{%", "{#"))


def as_title(expression: str) -> str:
    """The expression in one line, in which no template begins."""
    text = " ".join(expression.split())
    return text.replace("{", "(").replace("}", ")") if has_template(text) else text


def check_template(text: str) -> str:
    """`text`, which Ansible will template.

    Raises:
        ValueError: it is no template; the message says what to write instead of shell's `${#name}`.
    """
    if not has_template(text):
        return text
    try:
        parse(text)
    except jinja2.TemplateSyntaxError as error:
        message = str(error.message).rstrip(".")
        hint = "; {# begins a template's comment, so write ${{ '{' }}#name} for ${#name}" if "{#" in text else ""
        raise ValueError(f"is not a template: {message} (line {error.lineno}){hint}") from None
    except RecursionError:
        raise ValueError("is not a template: it is nested too deeply") from None
    return text


def check_templates(value: Any) -> Any:
    """`value`, in which Ansible will template every text.

    Raises:
        ValueError: one of them is no template.
    """
    if isinstance(value, str):
        check_template(value)
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            check_templates(item)
    return value


Template = Annotated[str, AfterValidator(check_template)]
"""Text in which Ansible fills in each `{{ template }}`."""


def pieces(text: str) -> list[tuple[bool, str]]:
    """Each template in `text`, and what stands between them, in order; true is a template.

    Raises:
        ValueError: it is no template.
    """
    if not has_template(text) and "\r" not in text:  # which is the end of a line to Jinja
        return [(False, text)] if text else []
    found: list[tuple[bool, str]] = []
    inside = ""
    for _, kind, value in _JINJA.lex(check_template(text)):
        if inside or kind.endswith("_begin"):
            inside += value
            if kind.endswith("_end"):
                found.append((True, inside))
                inside = ""
        else:
            found.append((False, value))
    return found


def filtered(text: str, filters: str, *, end: str = "+") -> str:
    """The template `text` as a whole through `filters`; without a + at its end a tag takes the next line break away."""
    begin = "+" if text.startswith("\n") else ""
    return f"{{% filter {filters} {begin}%}}{text}{{% endfilter {end}%}}"


def expressions(text: str) -> list[str]:
    """What stands inside of each `{{ ... }}` in `text`."""
    return [inside(piece) for is_template, piece in pieces(text) if is_template and piece.startswith("{{")]


def only_expression(text: str) -> str | None:
    """What stands inside of the one `{{ ... }}` that `text` is, if it is nothing else."""
    found = pieces(text.strip())
    return inside(found[0][1]) if len(found) == 1 and found[0][1].startswith("{{") else None


def inside(template: str) -> str:
    """The expression in a `{{ template }}`."""
    return re.sub(r"^\{\{[-+]?|[-+]?\}\}\s*$", "", template).strip()


def _tree(text: str) -> nodes.Template:
    """The tree of a text with templates in it; an empty one where there is none, or what is no template."""
    try:
        return parse(text) if has_template(text) else nodes.Template([])
    except (jinja2.TemplateSyntaxError, RecursionError):  # of which others complain
        return nodes.Template([])


def names_in(text: str) -> set[str]:
    """The variables that the templates in `text` read, also those that are named in quotes, as in `vars['name']`."""
    tree = _tree(text)
    quoted = {str(item.value) for item in tree.find_all(nodes.Const) if isinstance(item.value, str)}
    return quoted | {item.name for item in tree.find_all(nodes.Name)} | {path.split(".")[0] for path in _paths(tree)}


def gives(text: str, path: str) -> bool:
    """Whether a template in `text` gives the variable, or the part of one, at `path`: `db.password` is in all of `db`.

    It may be written as `db['password']` or `hostvars['db1'].db.password`. What is only counted or tested is not given.
    """
    found = {*_paths(_tree(text))}
    if not found.isdisjoint({"vars", "hostvars"}):  # as in map('extract', hostvars, 'token')
        found |= {*re.findall(r"\w+", text)}
    return any(f"{path}.".startswith(f"{each}.") or each.startswith(f"{path}.") for each in found)


def _paths(node: nodes.Node) -> Iterator[str]:
    """What is read of variables below `node`, each by its path."""
    path, inner = _path(node), getattr(node, "node", None)
    if path:
        yield re.sub(r"^(?:hostvars\.[^.]*|vars)\.", "", path)
    counted = isinstance(node, nodes.Test) or getattr(node, "name", "") in {"length", "count"}
    for child in node.iter_child_nodes():
        if not ((path or counted) and child is inner):
            yield from _paths(child)


def _path(node: nodes.Node | None) -> str:
    """The path of the part of a variable that `node` is; empty where it is none. A key that is computed is `*`."""
    match node:
        case nodes.Name(name=name):
            return name
        case nodes.Call(node=nodes.Name(name="lookup" | "query" | "q"), args=[plugin, nodes.Const(value=name)]):
            return str(name) if str(getattr(plugin, "value", "")).endswith("vars") else ""
        case nodes.Call(node=nodes.Getattr(node=inner, attr="values" | "items")):
            return _path(inner)
        case nodes.Call(node=nodes.Getattr(node=inner, attr="get"), args=[nodes.Const(value=part), *_]):
            pass
        case nodes.Getattr(node=inner, attr=part):
            pass
        case nodes.Getitem(node=inner, arg=key):
            part = getattr(key, "value", "*")
        case _:
            return ""
    return f"{before}.{part}" if (before := _path(inner)) else ""


def texts_in(value: Any) -> Iterator[str]:
    """Every text in `value`, which may be a mapping or a list."""
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ():
        yield from texts_in(each)


def last_filter(template: str) -> str:
    """The filter that the whole of a `{{ template }}` goes through last; of `a ~ b | quote` that is none."""
    match parse(template).body if template.startswith("{{") else []:
        case [nodes.Output(nodes=[nodes.Filter(name=name)])]:
            return str(name).rpartition(".")[2]
    return ""


def verbatim(text: str) -> str:
    """A template that means `text`, whatever it holds; ansible-lint takes what is tagged `!unsafe` for a template, too.

    Raises:
        ValueError: it holds the one mark that cannot be meant.
    """
    if not has_template(text):
        return text
    if re.search(r"\{%[-+]?\s*endraw", text):
        raise ValueError("holds {% endraw %}, which ends what Ansible leaves alone")
    return f"{{% raw %}}{text}{{% endraw %}}"


def literal(value: str | float | None) -> str:
    """`value` as a Jinja expression that means it, whatever it holds."""
    if isinstance(value, str):
        # Ansible takes a condition with the marks of a template in it for one, even inside of quotes.
        return re.sub(r"\{(?=[{%#])|\}(?=\})", lambda mark: f"\\x{ord(mark[0]):02x}", repr(value))
    return str(value).lower() if value is None or isinstance(value, bool) else repr(value)


def filled(text: str, values: Mapping[str, str | float]) -> str:
    """The template `text` with each of `values` in the place of its name, as if its author had written that there.

    Raises:
        ValueError: it is no template, or a value cannot stand in an expression.
    """
    return "".join(
        _filled(piece, values, alone=piece == text) if is_template else piece for is_template, piece in pieces(text)
    )


def filled_expression(text: str, values: Mapping[str, str | float]) -> str:
    """The same of an expression.

    Raises:
        ValueError: as `filled`.
    """
    begin, end = "{{ ", " }}"
    return _filled_names(check_template(f"{begin}{text}{end}"), values)[len(begin) : -len(end)]


def _filled(template: str, values: Mapping[str, str | float], *, alone: bool) -> str:
    name = re.fullmatch(r"\{\{\s*(\w+)\s*\}\}", template)
    value = values.get(name[1]) if name else None
    if value is None:
        return _filled_names(template, values)
    # A number stays one where the text is nothing else.
    return value if isinstance(value, str) else f"{{{{ {literal(value)} }}}}" if alone else literal(value)


def _filled_names(template: str, values: Mapping[str, str | float]) -> str:
    tokens = [(kind, value) for _, kind, value in _JINJA.lex(template)]
    written = [number for number, (kind, _) in enumerate(tokens) if kind != "whitespace"]
    for before, at, after in zip(written, written[1:], written[2:], strict=False):
        kind, name = tokens[at]
        # What follows these names an attribute, a filter or a test, and what stands before = an argument.
        free = tokens[before][1] not in {".", "|", "is"} and tokens[after][1] != "="
        if kind == "name" and free and name in values:
            tokens[at] = "filled", _expression(values[name])
    return "".join(value for _, value in tokens)


def _expression(value: str | float) -> str:
    """`value` as an expression, be it a template or not."""
    if not isinstance(value, str) or not has_template(value):
        return _in_parentheses(literal(value)) if isinstance(value, int | float) else literal(value)
    found = pieces(value)
    if any(is_template and not piece.startswith("{{") for is_template, piece in found):
        raise ValueError(f"{value[:64]!r} cannot stand in an expression")
    parts = [_in_parentheses(inside(piece)) if is_template else literal(piece) for is_template, piece in found]
    return parts[0] if len(parts) == 1 else f"({' ~ '.join(parts)})"


def _in_parentheses(expression: str) -> str:
    return expression if re.fullmatch(r"[\w.]+", expression) else f"({expression})"


def split(command: str) -> list[str]:
    """The arguments of `command`, split as a shell would, with each `{{ template }}` kept whole within its argument.

    Raises:
        ValueError: it is no template, or a quotation is not closed.
    """
    templates: list[str] = []
    line = ""
    for is_template, piece in pieces(command):
        line += f"\x00{len(templates)}\x00" if is_template else piece
        templates += [piece] if is_template else []
    try:
        words = shlex.split(line)
    except ValueError:
        raise ValueError("a quotation is not closed") from None
    return [re.sub(r"\x00(\d+)\x00", lambda mark: templates[int(mark[1])], word) for word in words]
