"""Rules about verifications that prove nothing."""

import re
from collections.abc import Collection, Iterator, Sequence

from runner.core.duration import show
from runner.core.shell.shell_code import Code
from runner.core.shell.shell_reader import Command
from runner.kinds.base import Kind
from runner.lint.lint_context import exit_codes, judges_output
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule, Work
from runner.model.checks.condition_truth import accepts, always
from runner.model.escalation_policy import Unresolved
from runner.model.step import Effect
from runner.model.verification import Verification

_STEP = "steps:\n  - id: restart\n    name: Restart the pool\n    command: systemctl restart pgbouncer\n"


NO_VERIFICATION = Rule(
    id="no-verification",
    level=Level.ERROR,
    criterion=Criterion.VERIFIABLE,
    problem="A step that nobody verifies may have failed in silence, and the next one builds upon it.",
    wrong=_STEP,
    right=_STEP + "    verify:\n      - command: systemctl is-active pgbouncer\n        within: 30s\n",
)


_REPEATED = """\
steps:
  - id: restart
    name: Restart the web server
    command: systemctl restart nginx
    verify:
      - {says: The web server runs, command: systemctl restart nginx}
"""


@Rule(
    "check-repeats-action",
    Level.ERROR,
    Criterion.VERIFIABLE,
    problem="A check that repeats its step's command is green as often as the command is, and does it twice.",
    wrong=_REPEATED,
    right=_REPEATED.replace("command: systemctl restart nginx}", "command: systemctl is-active nginx}"),
)
def check_repeats_action(context: LintContext) -> Iterator[Hit]:
    """A verification that does the step once more instead of looking at what it brought about."""
    for work in context.works():
        action = work.step.undo.action if work.step.undo and "undo" in work.place else work.step.action
        if not work.looks or action is None or action.canonical != work.kind.canonical:
            continue
        tells = judges_output(work.judged_by) or any(each.expressions for each in work.judged_by)
        if work.step.effect is not Effect.READ or not tells:
            message = "does the step's own action again, which proves nothing about what it did"
            yield Hit(work.place, message, "look at what the step was to bring about")


_SAYS_THE_SAME = frozenset({"true", ":", "echo", "printf"})
_SUCCEEDS = "date env hostname id pwd sleep sync uname uptime whoami"
_ALWAYS = _SAYS_THE_SAME | frozenset(_SUCCEEDS.split())
_COMPARES = frozenset({"=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
_SERVER_ERRORS = (500, 502, 503, 504)
_TELLS = frozenset({"logger", "wall", "mail", "sendmail"})
_TWO_ENDED = frozenset({"test", "[", "[["})
_HINT = "look at what the step was to bring about"
_CERTAIN = """\
steps:
  - id: restart
    name: Restart the web server
    command: systemctl restart nginx
    verify:
      - {says: The web server runs, command: "true"}
"""


@Rule(
    "check-cannot-fail",
    Level.ERROR,
    Criterion.VERIFIABLE,
    problem="A check that is green whatever happened is worse than none: it says that somebody looked.",
    wrong=_CERTAIN,
    right=_CERTAIN.replace('command: "true"', "command: systemctl is-active nginx"),
    gives_way_to=("placeholder-command",),
)
def check_cannot_fail(context: LintContext) -> Iterator[Hit]:
    """A verification that is green whatever happened."""
    for place, step, verification in context.verifications():
        done = step.undo if step.undo and "undo" in place else step
        kinds = [kind for kind in (*verification.kinds, done.action) if kind]
        yield from _conditions(context, place, verification, kinds)
    for work, code in context.codes():
        yield from _code(work, code)


def _conditions(context: LintContext, place: Place, verification: Verification, kinds: Sequence[Kind]) -> Iterator[Hit]:
    """What `verification`, which looks at what `kinds` gave, asks for in vain."""
    expressions, placed = verification.expressions, context.conditions(place, verification)
    certain = [where for where, text in placed if always(_counting(text, kinds), holds=True)]
    for where in certain:
        yield Hit(where, "always holds, whatever the result is", _HINT)
    judges = expressions and not certain and any(kind.has_status for kind in kinds)
    for bad in _SERVER_ERRORS if judges else ():
        named = any(re.search(rf"\b{bad}\b", text) for text in expressions)
        if not named and all(accepts(text, status=good) for text in expressions for good in (200, bad)):
            yield Hit((*place, "that"), f"is green when the server answers {bad}, too", "write that: status == 200")
            return


def _counting(text: str, kinds: Sequence[Kind]) -> str:
    """The condition `text` with the columns that an SQL statement counts called so, which are never less than 0."""
    for kind in kinds:
        for name in re.findall(r"(?i)\bcount\s*\([^)]*\)\s+(?:as\s+)?(\w+)", kind.sql_statement):
            text = re.sub(rf"\brow\.{name}\b", f"row.{name}_count", text)
    return text


def _code(work: Work, code: Code) -> Iterator[Hit]:
    by_output = judges_output(work.judged_by)
    constant = work.looks and _constant(code, _SAYS_THE_SAME if by_output else _ALWAYS)
    if by_output and not constant:
        return
    found = code.pipelines
    last = found[-1].commands[-1] if found else Command(())
    if constant:
        yield Hit(work.place, f"`{last.name}` always succeeds", _HINT)
    elif last.name in _TWO_ENDED and {0, 1} <= exit_codes(work.judged_by) and not work.step.branch:
        yield Hit(work.place, f"`{last.name}` ends with 0 or 1, and both are called good", "write exit: 0")
    elif {0, 1, 2} <= exit_codes(work.judged_by):
        yield Hit(work.place, "0, 1 and 2 are called good, and with these programs end that failed", "write exit: 0")
    elif fragment := _masked(work, code):
        yield Hit(work.place, f"`{fragment}` makes it succeed whatever happened", "leave it out", fragment=fragment)


def _constant(code: Code, harmless: Collection[str]) -> bool:
    commands = [command for pipeline in code.pipelines for command in pipeline.commands]
    return (
        bool(commands)
        and all(each.name in harmless or each.words == ("exit", "0") or _of_constants(each) for each in commands)
        and not any(mark in code.text for mark in ("{{", "$", "`"))
    )


def _of_constants(command: Command) -> bool:
    """Whether it is a test that compares what is written there."""
    return command.name in _TWO_ENDED and not _COMPARES.isdisjoint(command.words)


def _masked(work: Work, code: Code) -> str:
    """What makes shell code succeed whatever its last command but one did."""
    found = code.pipelines if code.in_shell else []
    if len(found) < 2 or not work.judged_by or code.ends_by == "while_statement":  # noqa: PLR2004 - something, and what hides its failure
        return ""
    before, last = found[-2].then, found[-1].commands[-1]
    good = last.name in _ALWAYS or last.words == ("exit", "0")
    if (good or last.name in _TELLS) and before == "||":
        return f"|| {last.name}"
    goes_on = not code.errexit or code.ends_by == "if_statement"  # without else nothing has failed
    return last.name if good and goes_on and before in {";", ""} else ""


_TOO_LATE = """\
deadline: 10m
escalation: {when: [{unresolved_for: 15m}, step_failed], contacts: [on-call], provide: [timeline]}
"""


@Rule(
    "unreachable-condition",
    Level.WARNING,
    Criterion.VERIFIABLE,
    problem="A condition that can never be met promises something that never happens.",
    wrong=_TOO_LATE,
    right=_TOO_LATE.replace("10m", "30m"),
)
def unreachable_condition(context: LintContext) -> Iterator[Hit]:
    """A condition that can never be met."""
    yield from _escalation(context)
    yield from _verifications(context)
    for placed in context.procedure():
        if placed.step.retry and placed.step.retry.exit_codes == (0,):
            place = (*placed.place, "retry", "exit_codes")
            yield Hit(
                place, "0 is success, which is never tried again", "name the codes that are worth another attempt"
            )


def _escalation(context: LintContext) -> Iterator[Hit]:
    runbook = context.runbook
    shortest = runbook.deadline
    for number, reason in enumerate(runbook.escalation.when):
        place: Place = ("escalation", "when", number)
        if isinstance(reason, Unresolved):
            if runbook.deadline and reason.unresolved_for >= runbook.deadline:
                message = f"the run has ended by then: its deadline is {show(runbook.deadline)}"
                yield Hit(place, message, "make it shorter than the deadline")
            elif shortest and reason.unresolved_for >= shortest:
                yield Hit(place, "somebody has been called before already", "leave it out")
            shortest = min(shortest or reason.unresolved_for, reason.unresolved_for)
        elif (
            reason == "step_failed"
            and len(runbook.escalation.when) > 1
            and all(step.on_failure == "stop" for step in runbook.steps)
        ):
            message = "every step says on_failure: stop, so no failure calls anybody"
            yield Hit(place, message, "leave `on_failure` out where somebody must be called")


def _verifications(context: LintContext) -> Iterator[Hit]:
    for place, _, verification in context.verifications():
        expressions, placed = verification.expressions, [*context.conditions(place, verification)]
        alone = [where for where, text in placed if always(text, holds=False)]
        for where in alone:
            yield Hit(where, "never holds, whatever the result is", "say what is good")
        exits = [f"rc in {list(verification.good_exits)}"] if verification.good_exits else []
        together = " and ".join([*map("({})".format, expressions), *exits])
        if expressions and not alone and always(together, holds=False):
            yield Hit(placed[-1][0], "never holds together with the rest of this verification", "say what is good")


_TOO_SOON = """\
steps:
  - id: restart
    name: Restart the web server
    command: systemctl restart nginx
    verify:
      - says: The alert has resolved
        alert_resolved: {prometheus: "https://prometheus.example.com", alert: ServerDown, data: up}
        within: 30s
"""


@Rule(
    "shorter-than-lag",
    Level.WARNING,
    Criterion.VERIFIABLE,
    problem="An alert stays for a while after its cause is gone: asked too early, it makes a failure of success.",
    wrong=_TOO_SOON,
    right=_TOO_SOON.replace("30s", "2m"),
)
def shorter_than_lag(context: LintContext) -> Iterator[Hit]:
    """A verification that gives up before what it asks can know of the change; before step 1 there is none."""
    for place, _, verification in context.verifications():
        if place[0] in {"prerequisites", "watch"}:
            continue
        lag = max((kind.lag for kind in verification.kinds if kind.lag), default=None)
        within = verification.within
        if lag is None or verification.held or isinstance(within, str) or (within and within >= lag):
            continue  # of how long an input says nobody knows here
        waits = f"and this waits {show(within)}" if within else "and this does not wait"
        key = (*place, "within") if within else place
        message = f"what is asked may still say what was before {show(lag)} after a change, {waits}"
        yield Hit(key, message, f"write `within: {show(lag)}`, or more; `lag` says how long it is there")
