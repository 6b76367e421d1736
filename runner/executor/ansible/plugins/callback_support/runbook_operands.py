# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a condition looks at, and which values that has: `row.used = 2` beside `row.used >= 0.9 * row.size`."""

from __future__ import annotations

import re

from ansible.errors import AnsibleUndefinedVariable
from ansible.template import Templar, trust_as_template
from jinja2 import Environment, TemplateError, nodes

_JINJA = Environment(autoescape=False)  # noqa: S701 - it only parses
_OURS = re.compile(r"^\(*probe\b|\.truncated \| default\(False\)$")
"""What a condition of our own asks: whether there was an answer, and whether it was cut. That is told by itself."""

_TURNED = {"lt": "max", "lteq": "max", "gt": "min", "gteq": "min"}
"""Which value of a left operand is the farthest from what it must be; the other one for a right operand."""


def observe(conditions, variables, loader):
    """Each operand of `conditions` with its value, or `missing`, and with `worst`: whether more or less is worse.

    One that `decides` is a condition by itself.
    """
    templar = Templar(loader=loader, variables=variables)
    operands = {}
    for tree in map(_tree, conditions):
        for name, worst in _walk(tree, "") if tree else ():
            operand = operands.setdefault(name, {"name": name})
            if worst:  # the first comparison says so, whatever else is asked of the name before it
                operand.setdefault("worst", worst)
        for name in _deciding(tree.body[0].nodes[0]) if tree else ():
            operands.setdefault(name, {"name": name})["decides"] = True
    return [operand | value for name, operand in operands.items() if (value := _value(templar, name))]


def _value(templar, name):
    try:
        return {"value": templar.template(trust_as_template(f"{{{{ {name} }}}}"))}
    except AnsibleUndefinedVariable:
        return {"missing": True}
    except Exception:
        return None  # a filter that cannot take it: the condition's own error says so


def _tree(condition):
    try:
        return _JINJA.parse(f"{{{{ {condition} }}}}")
    except (TemplateError, RecursionError):
        return None


def _deciding(node):
    """The operands that are what they must be if they are true, and are compared with nothing."""
    if isinstance(node, (nodes.And, nodes.Or)):
        yield from _deciding(node.left)
        yield from _deciding(node.right)
    elif text := _text(node):
        yield text


def _walk(node, worst):
    """Names, their parts, and filters with constant arguments; nothing is called that the condition may not reach."""
    text = _text(node)
    if text:
        if not _OURS.search(text):
            yield text, worst
    elif isinstance(node, nodes.Compare):
        turn = _TURNED.get(node.ops[0].op) if len(node.ops) == 1 else None
        yield from _walk(node.expr, turn)
        for operand in node.ops:
            yield from _walk(operand.expr, {"max": "min", "min": "max"}.get(turn))
    elif isinstance(node, nodes.Call):
        if isinstance(node.node, nodes.Getattr):
            yield from _walk(node.node.node, "")
        for argument in node.args:
            yield from _walk(argument, "")
    else:
        for child in node.iter_child_nodes():
            yield from _walk(child, "")


def _text(node):
    """How the operand is written, None where it is not one."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        inner = _whole(node.node)
        return inner and f"{inner}.{node.attr}"
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        inner = _whole(node.node)
        return inner and f"{inner}[{node.arg.value!r}]"
    if isinstance(node, nodes.Filter) and node.node is not None:
        return _filtered(node)
    return None


def _whole(node):
    """The operand as it is written before one of its parts is named."""
    text = _text(node)
    return f"({text})" if text and isinstance(node, nodes.Filter) else text


def _filtered(node):
    inner = _text(node.node)
    constant = all(
        isinstance(argument, nodes.Const) for argument in [*node.args, *(item.value for item in node.kwargs)]
    )
    if not inner or not constant or node.dyn_args or node.dyn_kwargs:
        return None
    words = [repr(argument.value) for argument in node.args]
    words += [f"{item.key}={item.value.value!r}" for item in node.kwargs]
    return f"{inner} | {node.name}" + (f"({', '.join(words)})" if words else "")
