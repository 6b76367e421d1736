"""Rules about what is still to be filled in: commands, names, variables."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from jinja2 import nodes

from runner.core.deferred import dataclass, regex
from runner.core.shell.shell_code import Code
from runner.library.runbook_source import Source
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Placed, Rule, Work, did_you_mean, quoted
from runner.model.checks.condition import parse, required
from runner.model.mentions import mentioned_in
from runner.model.names import ITEM, NUMBER, OF_RESULTS, RESERVED
from runner.model.step import Effect

_PLACEHOLDER = regex(
    r"""(?ix)
    (?:\.{2,}|…|-+|\?+|x{2,}|tbd|tba|n/?a|none|foo|bar|baz)
    | <[^<>|]+> | \[(?!\s)[^\[\]]+\] | \{(?!\s)[^{}]+\}
    | (?:\#.*\s*)+
    | (?:echo|printf|print|:)\s+["']?(?:
        .*\b(?:todo|fixme|tbd|placeholder|replace\ ?me|changeme|not\ implemented|dummy)\b.* | \.{3} )
    | .{0,20}\b(?:todo|fixme|tbd)\b.{0,60}
    | (?:your|some|the|my|a)[-_ ](?:\w+[-_ ])?command(?:[-_ ](?:goes[-_ ])?here)? | command(?:[-_ ](?:goes[-_ ])?here)?
    | (?:insert|add|put|enter)\ (?:your\ |the\ )?commands?(?:\ here)?\.?
    | (?:replace|change)[-_ ]?me
    | [A-Z]?[a-z]+\ (?:the|an?|all|your|this)\ [a-z]+(?:\ [a-z]+)*\.?
    | (?:select|values)\s+(?:\.{3}|<[^<>]+>)
    """
)
_PRINTS = regex(r"(?:echo|printf)\s[^|>$&;`{]*")
_NOTHING = frozenset({"true", ":", "/bin/true", "exit 0", "pass", "noop", "no-op"})


@Rule(
    "placeholder-command",
    Level.ERROR,
    Criterion.COMPLETE,
    problem="A step whose command was never written does nothing, and says that it did.",
    wrong="steps:\n  - {id: fail-over, name: Promote the standby, command: echo TODO, verify: [{exit: 0}]}\n",
    right="steps:\n  - {id: fail-over, name: Promote the standby, command: pg_ctl promote, verify: [{exit: 0}]}\n",
)
def placeholder_command(context: LintContext) -> Iterator[Hit]:
    """Something stands where a command is to be written."""
    for work in context.works():
        text = work.kind.written_text
        if _PLACEHOLDER.fullmatch(text) or (not work.looks and text in _NOTHING):
            yield Hit(work.place, f"{quoted(text)} only stands for a command", "write the command itself")
        elif _PRINTS.fullmatch(text) and not work.looks and work.step.effect is not Effect.READ:
            yield Hit(work.place, f"{quoted(text)} changes nothing, it only prints", "write the command itself")
    for placed in context.procedure():
        action = placed.step.action
        if action and action.human and re.fullmatch(r"\.{2,}|…|<[^<>]+>|\[[^\[\]]+\]", action.written_text):
            yield Hit(
                (*placed.place, action.key), f"{quoted(action.written_text)} tells nobody what to do", "write it out"
            )


_GAP = regex(
    r"(?<![\w?<(])<[A-Za-z][\w-]*(?:[ ][\w-]+)*>(?![>])|\bYOUR[_-][A-Z][A-Z_-]*\b|\b[A-Z][A-Z_]*_HERE\b"
    r"|(?<![\w/-])your[_-][a-z][\w-]*|(?<!\S)\[[A-Za-z]{3,}(?:[ _-][A-Za-z]{2,})*\](?!\S)|(?<!\S)(?:\.\.\.|…)(?!\S)"
    r"|(?<=://)[^\s'\"/]*?(?<![{$%])\{[A-Za-z_]\w*\}(?!\})"
)
_MARKUP = regex(r"<(?:a|b|body|br|div|h[1-6]|head|html|i|li|p|pre|span|table|td|title|tr|ul)>", re.IGNORECASE)
_AFTER = frozenset({"verify", "capture", "undo", "retry"})


@dataclass(frozen=True, slots=True)
class _Known:
    """The names that a step may use: before it is done, and where its result is looked at."""

    before: frozenset[str]
    after: frozenset[str]


_WRONG = """\
inputs: {stuck_after: {type: duration, default: 5m, help: A session idle for longer is stuck}}
steps:
  - {id: count, name: Count the stuck sessions, command: "sessions --idle {{ stuck_afer }}", verify: [{exit: 0}]}
"""


@Rule(
    "undefined-placeholder",
    Level.ERROR,
    Criterion.ACTIONABLE,
    problem="A name that nothing defines fails in the middle of the procedure, or is done as it is written.",
    wrong=_WRONG,
    right=_WRONG.replace("stuck_afer", "stuck_after"),
    gives_way_to=("placeholder-command",),
)
def undefined_placeholder(context: LintContext) -> Iterator[Hit]:
    """A name, a variable or a gap that nothing fills in."""
    rehearsed = [*context.rehearsed()]
    for steps in (context.procedure(), *rehearsed):
        for placed, known in _walk(context, steps):
            for place, missing, allowed in _missing(context, placed, known):
                yield from _undefined(context, place, missing, allowed)
    works = [work for steps in rehearsed for placed in steps for work in context.works_of(placed)]
    for work, code in (*context.codes(), *((work, code) for work in works if (code := context.code_of(work)))):
        yield from _variables(work, code)
    yield from _gaps(context)


def needed_variables(source: Source) -> Mapping[str, frozenset[str]]:
    """The variables that an inventory has to set, by the step that needs them in any case."""
    context = LintContext(source, {}, date.min)
    return {
        placed.step.id: frozenset(name for _, names, _ in _missing(context, placed, known) for name in names)
        for placed, known in _walk(context, context.procedure())
        if not (placed.step.only_if or placed.step.branch)
    }


def _missing(context: LintContext, placed: Placed, known: _Known) -> Iterator[tuple[Place, list[str], frozenset[str]]]:
    """The names in each text of a step that nothing known defines, and what could be meant."""
    for place, text in context.leaves(placed.place):
        part = next(iter(place[len(placed.place) :]), "")  # the step's own key
        expression = bool(EXPRESSIONS & {each for each in place[-2:] if isinstance(each, str)})
        needed = required(f"{{{{ {text} }}}}" if expression else text)
        allowed = known.after if part in _AFTER or "that" in place else known.before
        allowed -= {ITEM, NUMBER} if part == "only_if" else set()  # which is decided before there is an item
        names = [name for name in sorted(set(needed) - allowed) if not name.startswith(("ansible_", "runbook_"))]
        yield place, names, allowed


def _walk(context: LintContext, steps: Sequence[Placed]) -> Iterator[tuple[Placed, _Known]]:
    """The `steps`, which are done one after the other, with what each of them knows."""
    runbook = context.runbook
    known = set(runbook.inputs) | (context.variables or set())
    known |= {f"{name}_seconds" for name, item in runbook.inputs.items() if item.type == "duration"}
    known |= RESERVED - OF_RESULTS - {ITEM, NUMBER} | context.source.values.keys()
    for placed in steps:
        known |= placed.step.choose.keys()
        before = known | ({ITEM, NUMBER} if placed.step.each else set())
        after = OF_RESULTS.union(before, placed.step.capture, *map(context.result_names, context.works_of(placed)))
        after |= {*placed.step.capture.values()} if placed.step.runs else set()  # what the other runbook captures
        yield placed, _Known(frozenset(before), frozenset(after))
        known |= placed.step.capture.keys()


_INSTEAD = {
    ITEM: "only what is done in a step with `each` has it",
    NUMBER: "only what is done in a step with `each` has it",
    "stdout_lines": "write stdout.splitlines()",
    "stderr_lines": "write stderr.splitlines()",
}
"""What to write for names of which people think that they are there."""


def _undefined(context: LintContext, place: Place, missing: list[str], known: frozenset[str]) -> Iterator[Hit]:
    for name in () if context.incomplete else missing:
        asked = context.variables is not None
        message = f"{quoted(name)} is neither an input, nor captured before, nor set in an inventory"
        meant = did_you_mean(name, known - RESERVED - OF_RESULTS)
        hint = _INSTEAD.get(name) or meant or "declare it under `inputs`"
        yield Hit(place, message, hint if asked else f"{hint}, or name the inventory with -i", fragment=name)


_EACH = """\
inputs: {names: {default: a b, help: The services}}
steps:
  - id: stop
    name: Stop each service
    each: "{{ names.split() }}"
    command: systemctl stop {{ item }}
    verify: [{exit: 0}]
"""


@Rule(
    "unused-item",
    Level.WARNING,
    Criterion.ACTIONABLE,
    problem="What does not look at the item does the very same as often as the list is long.",
    wrong=_EACH.replace(" {{ item }}", " shop"),
    right=_EACH,
)
def unused_item(context: LintContext) -> Iterator[Hit]:
    """A step is done for each item of a list, and does the same for each."""
    for placed in context.procedure():
        step = placed.step
        if step.each and not mentioned_in([step.action, *(each.kinds for each in step.verify)], [ITEM, NUMBER]):
            hint = f"use {{{{ {ITEM} }}}} in what is done, or leave `each` out"
            yield Hit((*placed.place, "each"), "does the same for each item", hint)


def _variables(work: Work, code: Code) -> Iterator[Hit]:
    for name in code.unset(code.env):
        message = f"nothing sets ${name}" if code.in_shell else f"no shell fills in ${name} here"
        yield Hit(work.place, message, "give it under `env`" if code.in_shell else "write {{ name }}", fragment=name)


def _gaps(context: LintContext) -> Iterator[Hit]:
    for work in context.works():
        code = context.code_of(work)
        for place, text in context.leaves(work.place):
            gaps = [*_GAP.finditer(text)]
            is_code = gaps and code and code.in_shell and code.text == text.strip()
            comments = Code(text).comments() if is_code else []
            for match in gaps:
                remark = any(match.start() in each for each in comments)
                if not remark and not _MARKUP.fullmatch(match[0]):
                    hint = "declare an input, or capture it in an earlier step"
                    nth = text[: match.start()].count(match[0])
                    yield Hit(place, f"{match[0]} is a gap that nobody fills in", hint, fragment=match[0], nth=nth)


EXPRESSIONS = frozenset({"that", "capture", "only_if"})
"""The keys under which an expression stands without braces around it."""

_WRONG = """\
inputs: {wide: {type: bool, default: false, help: Whether all tables are counted}}
steps:
  - {id: count, name: Count the tables, only_if: wide, command: tables --count, effect: read, capture: {tables: stdout},
     verify: [{exit: 0}]}
  - {id: keep, name: Keep the number, command: "keep {{ tables }}", verify: [{command: test -s /srv/kept}]}
"""


@Rule(
    "uncertain-value",
    Level.ERROR,
    Criterion.COMPLETE,
    problem="Where a step is not needed, it captures nothing, and the step that uses it fails in the middle of a run.",
    wrong=_WRONG,
    right=_WRONG.replace("id: keep,", "id: keep, only_if: wide,"),
)
def uncertain_value(context: LintContext) -> Iterator[Hit]:
    """A step uses what another one captures only where that is needed."""
    captured_by: dict[str, Placed] = {}
    for placed in context.procedure():
        for place, name in _used(context, placed):
            earlier = captured_by.get(name)
            if earlier and earlier.step.only_if and not _says(placed.step.only_if, earlier.step.only_if):
                message = f"{quoted(name)} is only there where {earlier.step.id} is needed: {earlier.step.only_if}"
                hint = f"write only_if: {earlier.step.only_if}, or give it a default: {{{{ {name} | default(...) }}}}"
                yield Hit(place, message, hint, fragment=name)
        captured_by |= dict.fromkeys((*placed.step.capture, *placed.step.choose), placed)


def _used(context: LintContext, placed: Placed) -> Iterator[tuple[Place, str]]:
    """The names that must be set for the step, each where it stands."""
    for place, text in context.leaves(placed.place):
        if place[2:3] == ("choose",) and place[-1] == "from":
            yield place, text
        expression = bool(EXPRESSIONS & {each for each in place[-2:] if isinstance(each, str)})
        yield from ((place, name) for name in sorted(required(f"{{{{ {text} }}}}" if expression else text)))


def _says(condition: str | None, other: str) -> bool:
    """Whether `condition` holds only where `other` does, as far as that is written: all parts of it are there."""
    return condition is not None and all(part in _parts(condition) for part in _parts(other))


def _parts(condition: str) -> Sequence[nodes.Expr]:
    """The parts of a condition that `and` joins."""
    expression = parse(condition)
    return [*_joined(expression)] if expression else []


def _joined(expression: nodes.Expr) -> Iterator[nodes.Expr]:
    if isinstance(expression, nodes.And):
        yield from (*_joined(expression.left), *_joined(expression.right))
    else:
        yield expression
