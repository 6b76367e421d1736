"""`check-cannot-fail`: a verification that is green whatever happened."""

from __future__ import annotations

from collections.abc import Iterator

from runner.definition.certainty import always
from runner.definition.code import Code, codes
from runner.definition.finding import Level, Place
from runner.definition.judging import conditions, exit_codes, judges_output
from runner.definition.rules.base import Criterion, Hit, Rule
from runner.definition.subject import Subject
from runner.definition.verification import Verification

_ALWAYS = frozenset({"true", ":", "echo", "printf"})
_TWO_ENDED = frozenset({"test", "[", "[["})
_HINT = "look at what the step was to bring about"


def _find(subject: Subject) -> Iterator[Hit]:
    for place, _, verification in subject.verifications():
        yield from _conditions(subject, place, verification)
    for code in codes(subject):
        yield from _code(code)


def _conditions(subject: Subject, place: Place, verification: Verification) -> Iterator[Hit]:
    written = subject.written((*place, "that"))
    for number, text in enumerate(conditions(verification)):
        if always(text, holds=True):
            where = (*place, "that", number) if isinstance(written, list) else (*place, "that")
            yield Hit(where, "always holds, whatever the result is", _HINT)


def _code(code: Code) -> Iterator[Hit]:
    work = code.work
    if judges_output(work.judged_by) and not (work.looks and _constant(code)):
        return
    found = code.pipelines()
    last = found[-1].commands[-1] if found else ()
    if work.looks and _constant(code):
        yield Hit(work.place, f"`{last[0]}` always succeeds", _HINT)
    elif last[:1] and last[0] in _TWO_ENDED and {0, 1} <= exit_codes(work.judged_by):
        yield Hit(work.place, f"`{last[0]}` ends with 0 or 1, and both are called good", "write exit: 0")
    elif fragment := _masked(code):
        yield Hit(work.place, f"`{fragment}` makes it succeed whatever happened", "leave it out", fragment=fragment)


def _constant(code: Code) -> bool:
    commands = [command for pipeline in code.pipelines() for command in pipeline.commands if command]
    words = [word for command in commands for word in command]
    return (
        bool(commands)
        and all(each[0] in _ALWAYS or each == ("exit", "0") for each in commands)
        and not any("{{" in word or "$" in word for word in [*words, code.text])
    )


def _masked(code: Code) -> str:
    """What makes shell code succeed whatever its last command but one did."""
    found = code.pipelines() if code.in_shell else []
    if len(found) < 2 or not code.work.judged_by:  # noqa: PLR2004 - something, and what hides its failure
        return ""
    before, last = found[-2].then, found[-1].commands[-1]
    good = last[:1] and (last[0] in _ALWAYS or last == ("exit", "0"))
    lax = code.work.kind.key not in {"shell", "script"} and "-e" not in code.text.split()
    if good and before == "||":
        return f"|| {last[0]}"
    return last[0] if good and lax and before in {";", ""} else ""


RULE = Rule(
    id="check-cannot-fail",
    level=Level.ERROR,
    criterion=Criterion.VERIFIABLE,
    problem="A check that is green whatever happened is worse than none: it says that somebody looked.",
    wrong="""\
steps:
  - id: restart
    name: Restart the web server
    command: systemctl restart nginx
    verify:
      - {says: The web server runs, command: "true"}
""",
    right="""\
steps:
  - id: restart
    name: Restart the web server
    command: systemctl restart nginx
    verify:
      - {says: The web server runs, command: systemctl is-active nginx}
""",
    find=_find,
    gives_way_to=("placeholder-command",),
)
