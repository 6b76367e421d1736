"""`too-vague`: an instruction, or a confirmation, that does not say what is done or seen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.definition.finding import Level, Place, quoted
from runner.definition.rules.base import Criterion, Hit, Rule
from runner.definition.subject import Subject

_DO = (
    r"(?:please\s+)?(?:try\s+to\s+)?(?:investigate|check|fix|look\s+(?:into|at)|resolve|handle|debug|analy[sz]e|deal\s+with|"
    r"troubleshoot|review|verify|monitor|inspect|examine|diagnose|take\s+care\s+of|solve|clean\s+up|sort\s+out|address|"
    r"assess|make\s+sure|ensure|do)"
)
_THING = (
    r"(?:(?:the|this|that|any|all|all\s+the|whatever|other|possible)\s+)?(?:issues?|problems?|incidents?|errors?|things?|stuff|"
    r"it|everything|situation|systems?|cause|logs?|what\s+is\s+wrong|what(?:'s|\s+is)\s+going\s+on|what\s+happened|"
    r"failures?|services?|servers?|databases?|applications?|apps?|network|dashboards?|metrics|status|health|alerts?|what(?:\s+is|'s)?\s+(?:needed|necessary|required)|the\s+(?:needful|necessary|rest))"
)
_INSTRUCTION = re.compile(
    rf"(?ix)\s*(?:take\s+(?:the\s+)?(?:appropriate|necessary|corrective|suitable|required)\s+(?:actions?|steps|measures)|"
    rf"{_DO}(?:\s+{_THING})?)(?:\s+(?:is|are|and|works?|runs?)(?:\s+.{{0,24}})?|\s+(?:further|properly|carefully|again|accordingly|"
    rf"manually|as\s+\w+|if\s+\w+))?\s*[.!]?\s*"
)
_HEDGE = re.compile(r"(?i)\b(?:as|if|where|when)\s+(?:appropriate|necessary|needed|required|applicable|sensible)\b")
_CONFIRMED = re.compile(
    r"""(?ix)\s*(?:(?:it|everything|all|things?|this|(?:the\s+)?(?:system|service|step|issue|problem|incident|app|application))
    \s+(?:(?:now\s+)?works?(?:\s+again)?|(?:is|are|looks?|seems?)\s+(?:all\s+)?(?:ok(?:ay)?|fine|good|normal|well|right|done|fixed|
    resolved|solved|healthy|working|as\s+expected|gone|in\s+order))(?:\s+(?:again|now))?
    | (?:looks?|all)\s+(?:ok(?:ay)?|good|fine|done|well) | done | ok(?:ay)? | success(?:ful)? | it\s+worked
    | (?:the\s+)?step\s+is\s+done
    )\s*[.!]?\s*"""
)
_SPECIFIC = re.compile(r"[`/:=_()0-9\"“]|[a-z][A-Z]|\b[A-Z]{2,}-")
_FEW = 16


def _find(subject: Subject) -> Iterator[Hit]:
    for placed in subject.procedure():
        action = placed.step.action
        if action and action.human:
            place: Place = (*placed.place, action.key)
            text = str(getattr(action, action.key))
            if _vague(text):
                yield Hit(place, f"{quoted(text)} does not say what is done", "name the commands, pages and values")
        for number, verification in placed.step.confirmations:
            said = next((str(getattr(kind, kind.key)) for kind in verification.kinds if kind.human), "")
            if _CONFIRMED.fullmatch(said):
                where = _place(subject, placed.place, number)
                yield Hit(where, f"{quoted(said)} does not say what is seen", "say what must be seen, and where")


def _vague(text: str) -> bool:
    if _INSTRUCTION.fullmatch(text):
        return True
    return len(text.split()) < _FEW and not _SPECIFIC.search(text) and _HEDGE.search(text) is not None


def _place(subject: Subject, place: Place, number: int) -> Place:
    listed = (*place, "verify", number - 1, "confirm")
    return listed if subject.written(listed) is not None else (*place, "confirm")


RULE = Rule(
    id="too-vague",
    level=Level.WARNING,
    criterion=Criterion.ACTIONABLE,
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
    find=_find,
    gives_way_to=("assumed-knowledge", "placeholder-command"),
)
