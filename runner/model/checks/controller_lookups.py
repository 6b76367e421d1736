"""What a template would do on the machine where Ansible runs, of which no plan, approval or record tells."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from jinja2 import TemplateSyntaxError, nodes

from runner.core import templates
from runner.core.deferred import regex
from runner.model.yaml.finding import Place

_FUNCTIONS = frozenset({"lookup", "query", "q"})
_READING = """
config csvfile dict env file fileglob first_found indexed_items ini inventory_hostnames items list nested
random_choice sequence subelements together varnames vars
"""
_HARMLESS = frozenset(_READING.split())
"""The look-ups of ansible.builtin that only read, here, and fill in no template that others wrote.

https://docs.ansible.com/ansible-core/2.19/collections/ansible/builtin/index.html#lookup-plugins
"""
_Bringing = nodes.Include | nodes.Import | nodes.FromImport | nodes.Extends
_LOOKS = regex(r"\b(?:lookup|query|q)\b|\{%[-+]?\s*(?:include|import|from|extends)\b")
_HEADER = "#jinja2:"
"""With which a file begins that says by which marks its templates are known."""
_BRINGS = regex(r"\b(?:include|import|from|extends)\s+['\"]([^'\"]+)['\"]")
_CALLED = regex(r"\b(?:lookup|query|q)\s*\(\s*(?:['\"]([\w.]+)['\"](?=\s*[,)]))?")
_MESSAGE = "{} may start a program on this machine, of which no record tells"
_BUILT_IN = regex(r"^ansible\.(?:builtin|legacy)\.")

HINT = "write a step with `on: localhost`, and capture what its command says"


def is_harmless(name: str | None) -> bool:
    """Whether the look-up plug-in `name` only reads; None is one whose name is computed."""
    return _BUILT_IN.sub("", name or "") in _HARMLESS


def fault(text: str) -> str:
    """What is wrong with the template or expression `text`; empty where it does nothing on this machine but read."""
    if not _LOOKS.search(text):
        return ""
    is_template = templates.has_template(text)
    try:
        tree = templates.parse(text) if is_template else templates.parse_expression(text)
    except (
        TemplateSyntaxError,
        RecursionError,
    ):  # prose or a command; or a template with marks that are not known here
        return fault_of_marks(text) if is_template else ""
    if _brought(tree):
        return "brings in the text of a file, which nobody has reviewed"
    return _of_tree(tree)


def fault_of_template(text: str) -> str:
    """The same of a whole file, which may bring in its neighbours, and begin with other marks of what is filled in."""
    if text.startswith(_HEADER):
        return fault_of_marks(text)
    try:
        tree = templates.parse(text)
    except (TemplateSyntaxError, RecursionError):
        return fault_of_marks(text)
    if any(not isinstance(name, nodes.Const) or _is_elsewhere(str(name.value)) for name in _brought(tree)):
        return "brings in the text of a file that lies elsewhere, and is not reviewed"
    return _of_tree(tree)


def brought_files(text: str) -> list[str]:
    """The names of the files whose text the template file `text` brings in, and cannot do without."""
    try:
        tree = None if text.startswith(_HEADER) else templates.parse(text)
    except (TemplateSyntaxError, RecursionError):
        tree = None
    if tree is None:
        return _BRINGS.findall(text)
    optional = [each.template for each in tree.find_all(nodes.Include) if each.ignore_missing]
    return [str(name.value) for name in _brought(tree) if isinstance(name, nodes.Const) and name not in optional]


def fault_of_marks(text: str) -> str:
    """The same where nobody knows which marks surround a template."""
    wrong = next((name for name in _CALLED.findall(text) if not is_harmless(name)), None)
    return (
        _MESSAGE.format(f"lookup({wrong!r})" if wrong else "a lookup of a computed name") if wrong is not None else ""
    )


def _of_tree(tree: nodes.Template) -> str:
    used = [name for name in tree.find_all(nodes.Name) if name.name in _FUNCTIONS]
    calls = [call for call in tree.find_all(nodes.Call) if any(call.node is name for name in used)]
    for name in map(_name, calls):
        if not is_harmless(name):
            return _MESSAGE.format(f"lookup({name!r})" if name else "a lookup of a computed name")
    # Without a call it may be a word that means something else.
    hidden = len(used) > len(calls) and tree.find(nodes.Call)
    return "uses lookup by another name, so that nobody sees what it does" if hidden else ""


def faults(value: Any, at: Place = ()) -> Iterator[tuple[Place, str]]:
    """Each text in `value` with such a fault, by its place."""
    if isinstance(value, str):
        if message := fault(value):
            yield at, message
    elif isinstance(value, Mapping | list | tuple):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in items:
            yield from faults(item, (*at, key))


def _brought(tree: nodes.Template) -> list[nodes.Expr]:
    """The names of the files whose text the template brings in."""
    return [each.template for each in tree.find_all(nodes.Node) if isinstance(each, _Bringing)]


def _is_elsewhere(name: str) -> bool:
    return name.startswith(("/", "~")) or ".." in PurePosixPath(name).parts


def _name(call: nodes.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, nodes.Const) and isinstance(first.value, str) else None
