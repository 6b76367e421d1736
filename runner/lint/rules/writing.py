"""Rules about how a runbook is written: its length, its sentences, and the exceptions in it."""

import re
from collections.abc import Iterator

from runner.core.deferred import regex
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule, did_you_mean, quoted
from runner.lint.suppressions import Exemption, exemptions

LONGEST = 50


def _steps(count: int) -> str:
    line = "  - {{id: step-{0}, name: Look at disk {0}, command: df /mnt/{0}, verify: [{{exit: 0}}]}}\n"
    return "steps:\n" + "".join(line.format(number) for number in range(1, count + 1))


@Rule(
    "too-long",
    Level.WARNING,
    Criterion.ACTIONABLE,
    problem=f"A procedure of {LONGEST} steps or more loses its reader; split it into runbooks that hand over.",
    wrong=_steps(LONGEST),
    right=_steps(2),
)
def too_long(context: LintContext) -> Iterator[Hit]:
    """A procedure of fifty steps, which nobody follows at night."""
    if (count := len(context.runbook.steps)) >= LONGEST:
        yield Hit(("steps",), f"has {count} steps; nobody follows that at night", "split it")


_WORDS = """
a all an and any appears as at be cause check confirm determine diagnose do ensure examine find fix for handle has
have if in inspect into investigate is it look looks make mitigate monitor needed of on our recover resolve restore
review see seems solve sure test that the there this to troubleshoot up verify was well what with work works working
alert alerts anything application cluster database error errors everything failure host hosts incident issue issues logs
machine metrics monitoring problem problems server servers service services situation something status system systems
team thing things carefully properly correctly again now good fine healthy normal ok okay right stable wrong checked
complete completed confirmed done finished fixed passed ready resolved true verified yes
"""
_EMPTY = frozenset(_WORDS.split())
"""Words that by themselves say nothing to somebody who does not know the system."""
_SPECIFIC = regex(r"[`/:=_()0-9\"“]|[a-z][A-Z]|\b[A-Z]{2,}")
_HEDGE = regex(r"(?i)\b(?:as|if|where|when)\s+(?:appropriate|necessary|needed|required)\b|\bappropriate\s+\w+")


@Rule(
    "too-vague",
    Level.WARNING,
    Criterion.ACTIONABLE,
    problem="'Investigate the issue' leaves the work to whoever reads it; name the commands, the pages and the values.",
    wrong="""\
steps:
  - {id: cause, name: Find what filled the disk, manual: Investigate the issue, verify: [{confirm: A cause is named}]}
""",
    right="""\
steps:
  - id: cause
    name: Find what filled the disk
    manual: List the largest files with `du -ax /var | sort -n | tail -20`, and name the program that writes them.
    verify: [{confirm: A cause is named}]
""",
    gives_way_to=("assumed-knowledge", "placeholder-command"),
)
def too_vague(context: LintContext) -> Iterator[Hit]:
    """An instruction, or a confirmation, that does not say what is done or seen."""
    for placed in context.procedure():
        action = placed.step.action
        if action and action.human and _is_vague(action.written_text):
            message = f"{quoted(action.written_text)} does not say what is done"
            yield Hit((*placed.place, action.key), message, "name the commands, pages and values")
        for number, verification in placed.step.confirmations:
            text = next((kind.written_text for kind in verification.kinds if kind.human), "")
            if _is_vague(text):
                listed = (*placed.place, "verify", number - 1, "confirm")
                place = listed if context.written(listed) is not None else (*placed.place, "confirm")
                yield Hit(place, f"{quoted(text)} does not say what is seen", "say what must be seen, and where")


def _is_vague(text: str) -> bool:
    """Whether `text` names nothing by name, and says nothing or leaves what matters to its reader."""
    text = text.replace("OK", "ok")
    words = set(re.findall(r"[a-z']+", text.casefold()))
    return not _SPECIFIC.search(text) and ((bool(words) and words <= _EMPTY) or _HEDGE.search(text) is not None)


_KNOWING = (
    r"(?<!if\ )(?<!once\ )(?<!when\ )(?<!sure\ )(?<!that\ )(?<!so\ )(?<!than\ )(?<!until\ )you\ (?:already\ )?know"
)
_ASSUMES = regex(
    rf"""(?ix)\b(?:
    as\ (?:usual|always|you\ know|we\ always\ do|last\ time) | same\ as\ (?:always|last\ time|usual)
    | (?:the|our|your)\ usual\ \w+ | we\ always\ (?:do|did|use) | {_KNOWING}\ (?:how|what|where|the|which|who|when)
    | (?-i:[Aa]sk\ (?!PagerDuty)[A-Z][a-z]+)\ (?:how|what|where|which) | you\ were\ (?:given|told|shown|taught)
    | every(?:one|body)\ knows | of\ course | obviously | simply\ [a-z]+ | just\ (?:do|run|use|restart|follow)
    )\b"""
)


@Rule(
    "assumed-knowledge",
    Level.WARNING,
    Criterion.ACTIONABLE,
    problem="A runbook is written for somebody's first day on call; who knows already needs no runbook.",
    wrong="""\
steps:
  - id: restart
    name: Restart the workers
    manual: Restart the workers in the usual way.
    verify: [{confirm: Four workers are listed on the page Workers}]
""",
    right="""\
steps:
  - id: restart
    name: Restart the workers
    manual: Open the page Workers of the console, and press Restart beside each of the four workers.
    verify: [{confirm: Four workers are listed on the page Workers}]
""",
)
def assumed_knowledge(context: LintContext) -> Iterator[Hit]:
    """A sentence that only helps who knows already."""
    for place, text in context.sentences():
        if match := _ASSUMES.search(text):
            message = f"{quoted(match[0])} says nothing to whoever does this for the first time"
            yield Hit(place, message, "write what is done, for somebody's first day", fragment=match[0])


_NOTES = regex(
    r"\b(?:TODO|FIXME|XXX|TBD|TBA|TKTK)\b"
    r"|\b(?i:to be (?:done|written|defined|decided|determined|completed|filled in)|fill (?:this|me|it) in|coming soon"
    r"|lorem ipsum|placeholder text|not yet written|work in progress)\b"
)


@Rule(
    "todo-left",
    Level.WARNING,
    Criterion.COMPLETE,
    problem="What is still to be written is missing at the moment when it is needed.",
    wrong="scope: {handles: [Too little space on the data disk, TODO]}\n",
    right="scope: {handles: [Too little space on the data disk, Too few inodes]}\n",
    gives_way_to=("placeholder-command", "undefined-placeholder"),
)
def todo_left(context: LintContext) -> Iterator[Hit]:
    """A note to oneself that was never done."""
    for offset, line in context.lines():
        if match := _NOTES.search(line):
            message, hint = f"{match[0]!r} is left in the runbook", "do it, or leave it out"
            yield Hit((), message, hint, offset=offset + match.start())


_FORM = "write `# lint: allow RULE - reason`"


@Rule(
    "useless-exception",
    Level.WARNING,
    Criterion.MAINTAINED,
    problem="An exception without a reason teaches nobody, and one that is not needed hides what comes later.",
    wrong="owner: backend-team # lint: allow unknown-contact - they are called the backend crew here\n",
    right="owner: backend-crew # lint: allow unknown-contact - the team's contact is added with the next release\n",
)
def useless_exception(context: LintContext) -> Iterator[Hit]:
    """An exception that names no rule, gives no reason, or is not needed."""
    for each, file, offset in _exceptions(context):
        if each.rule and each.rule not in context.rules:
            hint = did_you_mean(each.rule, context.rules) or "runbook lint --explain lists the rules"
            yield Hit((), f"no rule is called {quoted(each.rule)}", hint, offset=offset)
        elif not each.rule or not each.reason:
            missing = "gives no reason" if each.rule else "names no rule"
            yield Hit((), f"the exception {missing}, so it excepts nothing", _FORM, offset=offset)
        elif (each.rule, file, each.line) not in context.reported:
            yield Hit((), f"{each.rule} finds nothing here", "leave the exception out", offset=offset)


def _exceptions(context: LintContext) -> Iterator[tuple[Exemption, str, int]]:
    """Each exception, with the file that it is written in and the number of characters before it."""
    for before, document in context.texts():
        yield from ((each, document.file, before + each.offset) for each in exemptions(document.text))
