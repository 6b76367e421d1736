"""Rules about what a value is: a number made of what is none, and a condition that is neither true nor false."""

from collections import Counter
from collections.abc import Iterator, Mapping

from jinja2 import nodes

from runner.core.deferred import regex
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule
from runner.model.checks.condition import parse
from runner.model.checks.condition_truth import met_by_default, met_by_zero
from runner.model.checks.condition_type import OF_RESULTS, neither, no_conditions, node_type, type_of

_GREEN = """\
steps:
  - id: drain
    name: Drain the queue
    command: drain-queue
    verify:
      - {says: Few messages are left, command: queue-length, that: stdout | int < 10}
"""


@Rule(
    "zero-for-no-number",
    Level.WARNING,
    Criterion.VERIFIABLE,
    problem="`| int` makes 0 of an empty text, of an error and of null, and a condition that 0 meets is green then.",
    wrong=_GREEN,
    right=_GREEN.replace("| int", "| from_json"),
)
def zero_for_no_number(context: LintContext) -> Iterator[Hit]:
    """A condition over a number that was made of anything, and nothing else in the verification that looks at that."""
    for place, _, verification in context.verifications():
        if any(kind.judges_text and not kind.probes and not kind.expressions for kind in verification.kinds):
            continue
        read = _names(verification.expressions)
        for where, text in context.conditions(place, verification):
            for each in met_by_zero(text):
                if all(read[name.name] == 1 for name in each.find_all(nodes.Name)):
                    message = f"`| {each.name}` makes 0 of what is no number, and 0 is good here"
                    hint = f"leave `| {each.name}` out, or of a text write `| from_json`, which fails where it is none"
                    yield Hit(where, message, hint, fragment=f"| {each.name}")


def _names(expressions: tuple[str, ...]) -> Counter[str]:
    """How often each name stands in the conditions."""
    trees = [tree for text in expressions if (tree := parse(text))]
    names = [node.name for tree in trees for node in tree.find_all(nodes.Name)]
    return Counter([*names, *(tree.name for tree in trees if isinstance(tree, nodes.Name))])


_DEFAULT = """\
steps:
  - id: drain
    name: Drain the queue
    command: drain-queue
    verify:
      - {says: Few messages are left, command: queue-state, that: json.waiting | default(0) < 10}
"""
_ANSWERS = frozenset({"row", "rows", "json", "result", "facts", "stdout", "content"})


@Rule(
    "default-is-good",
    Level.WARNING,
    Criterion.VERIFIABLE,
    problem="Where an answer lacks what is looked at, nobody knows how it stands: a default makes that green.",
    wrong=_DEFAULT,
    right=_DEFAULT.replace(" | default(0)", ""),
)
def default_is_good(context: LintContext) -> Iterator[Hit]:
    """A condition that is met by the default of what an answer does not have."""
    for where, text in _conditions(context):
        for each in met_by_default(text, _ANSWERS):
            message = f"where the answer has no such value, `| {each.name}` stands for it, and is good here"
            yield Hit(
                where, message, "leave the default out: what is not there is never good then", fragment="| default"
            )


_LETTERS = """\
steps:
  - id: drain
    name: Drain the queue
    command: drain-queue
    verify:
      - {says: Few messages are left, command: queue-length, that: stdout < '90'}
"""
_NUMBER = regex(r"\s*-?\d+(?:\.\d+)?\s*")
_OF_LISTS = frozenset(["select", "reject", "map", "selectattr", "rejectattr", "sum", "min", "max", "sort", "unique"])


@Rule(
    "misleading-condition",
    Level.WARNING,
    Criterion.VERIFIABLE,
    problem="A condition may ask for something else than it seems to, and be green where nobody meant it.",
    wrong=_LETTERS,
    right=_LETTERS.replace("stdout < '90'", "stdout | from_json < 90"),
)
def misleading_condition(context: LintContext) -> Iterator[Hit]:
    """Numbers that are compared as texts, a text that is taken for a list, a beginning that is taken for the whole."""
    for where, text in _conditions(context):
        if tree := parse(text):
            for node in (tree, *tree.find_all(nodes.Node)):
                yield from (Hit(where, message, hint) for message, hint in _misleading(node))


def _misleading(node: nodes.Node) -> Iterator[tuple[str, str]]:
    """What `node` asks for that it does not seem to, and what to write."""
    match node:
        case nodes.Compare(expr=left, ops=[nodes.Operand(op=op, expr=right)]):
            yield from _compared(left, op, right)
        case nodes.Not(node=nodes.Test(name="match" | "ansible.builtin.match", args=[nodes.Const(value=pattern), *_])):
            if not str(pattern).startswith(("^", ".", "(?s", "\\A")):
                yield f"only looks whether it begins with {pattern}", "write `is not search(...)` for anywhere in it"
        case nodes.Filter() if node.name in _OF_LISTS and node_type(node.node, OF_RESULTS) is str:
            yield f"`{node.name}` goes through the letters of a text", "write stdout.splitlines() for its lines"


def _compared(left: nodes.Expr, op: str, right: nodes.Expr) -> Iterator[tuple[str, str]]:
    texts = [str(each.value) for each in (left, right) if isinstance(each, nodes.Const) and isinstance(each.value, str)]
    lines = getattr(right, "attr", "") or getattr(getattr(right, "node", None), "attr", "")
    if op in {"lt", "lteq", "gt", "gteq"} and any(map(_NUMBER.fullmatch, texts)):
        yield "compares letter by letter, so that '100' is less than '90'", "write the number without quotation marks"
    elif op == "in" and isinstance(right, nodes.Const) and isinstance(right.value, str):
        yield f"holds of an empty text as well, which is in {right.value!r}", "write a list: in ['one', 'other']"
    elif op == "notin" and texts and lines in {"splitlines", "stdout_lines", "stderr_lines"}:
        yield f"holds unless a line is nothing but {texts[0]!r}", "ask the whole text: not in stdout"


def _conditions(context: LintContext) -> Iterator[tuple[Place, str]]:
    """Every condition of a verification, where it is written."""
    for place, _, verification in context.verifications():
        yield from context.conditions(place, verification)


_TYPES: Mapping[str, type] = {"int": int, "number": int, "bool": bool}
"""The type of an input's value by that of the input; any other is a text."""
_NEITHER = """\
steps:
  - id: drain
    name: Drain the queue
    command: drain-queue
    verify:
      - {says: The queue is empty, command: queue-state, that: stdout}
"""


@Rule(
    "no-condition",
    Level.ERROR,
    Criterion.VERIFIABLE,
    problem="A text, a number or a list is neither true nor false: a check that is nothing else never passes.",
    wrong=_NEITHER,
    right=_NEITHER.replace("that: stdout", "that: stdout == 'empty'"),
)
def no_condition(context: LintContext) -> Iterator[Hit]:
    """A condition, or a part of one, that is compared with nothing and is neither true nor false."""
    known = {name: _TYPES.get(item.type, str) for name, item in context.runbook.inputs.items()}
    for placed in context.procedure():
        # What the diagnosis itself has written is true or false.
        if placed.step.only_if and not placed.step.branch:
            yield from _neither((*placed.place, "only_if"), placed.step.only_if, known)
        given = {name: type_of(text, OF_RESULTS) for name, text in placed.step.capture.items()}
        known |= {name: found for name, found in given.items() if found and not placed.step.each}
    for place, step, verification in context.verifications():
        done = step.undo.action if step.undo and "undo" in place else step.action
        gives_status = any(kind.has_status for kind in (*verification.kinds, done) if kind)
        types = {**known, **{name: found for name, found in OF_RESULTS.items() if name != "status" or gives_status}}
        for where, text in context.conditions(place, verification):
            yield from _neither(where, text, types)


def _neither(place: Place, condition: str, types: Mapping[str, type]) -> Iterator[Hit]:
    for part, found in no_conditions(condition, types):
        yield Hit(place, *neither(part, found))
