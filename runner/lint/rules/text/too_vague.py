"""`too-vague`: an instruction, or a confirmation, that does not say what is done or seen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule, quoted

_VERBS = """
act address analyse analyze assess check clean confirm correct deal debug determine diagnose do ensure examine figure
find fix handle identify inspect investigate look make mitigate monitor recover remediate repair resolve respond
restore review see solve sort take test troubleshoot try understand use verify
"""
_THINGS = """
action actions alert alerts anything app application applications care cause causes component components dashboard
dashboards database databases disk environment error errors everything failure failures fault faults health host hosts
incident incidents infrastructure issue issues it log logs machine machines measures memory metrics needful network
networks problem problems rest root server servers service services situation something state status steps stuff
system systems team teams thing things
"""
_QUALITIES = """
abnormal affected appropriate bad broken corrective expected failed failing fine fixed gone good healthy necessary
needed normal odd ok okay other possible relevant required resolved right running solved stable strange success
successful suitable suspicious underlying unexpected unusual usual well work worked working works wrong
"""
_MANNERS = """
accordingly again appropriately as carefully closely correctly directly further immediately manually now please
properly quickly soon successfully then thoroughly
"""
_LINKS = """
a all an and any are at back be been by down for from going happened happening has have i if in into is its looks me
my no not of on or order our out seems so sure that the their them there these they this those to up was we were what
whatever whichever while with you your
"""
_TICKS = "checked complete completed confirmed done finished passed ready true verified yes"
_EMPTY = frozenset(f"{_VERBS} {_THINGS} {_QUALITIES} {_MANNERS} {_LINKS} {_TICKS}".split())
_TELLING = frozenset(f"{_VERBS} {_THINGS} {_QUALITIES} {_TICKS}".split())
_SPECIFIC = re.compile(r"[`/:=_()0-9\"“]|[a-z][A-Z]|\b[A-Z]{2,}")
_HEDGE = re.compile(
    r"(?i)\b(?:(?:as|if|where|when)\s+(?:appropriate|necessary|needed|required|applicable|sensible)"
    r"|appropriate\s+(?:actions?|measures|steps)|whatever\s+(?:is|it|seems|you|needs?)\b"
    r"|(?:any|some)thing\s+(?:unusual|suspicious|strange|odd|wrong|weird|abnormal))\b"
)
_FEW = 16


def _find(context: LintContext) -> Iterator[Hit]:
    for placed in context.procedure():
        action = placed.step.action
        if action and action.human:
            place: Place = (*placed.place, action.key)
            text = action.written_text
            if _empty(text) or _hedged(text):
                yield Hit(place, f"{quoted(text)} does not say what is done", "name the commands, pages and values")
        for number, verification in placed.step.confirmations:
            text = next((kind.written_text for kind in verification.kinds if kind.human), "")
            if _empty(text):
                where = _place(context, placed.place, number)
                yield Hit(where, f"{quoted(text)} does not say what is seen", "say what must be seen, and where")


def _place(context: LintContext, place: Place, number: int) -> Place:
    listed = (*place, "verify", number - 1, "confirm")
    return listed if context.written(listed) is not None else (*place, "confirm")


def _empty(text: str) -> bool:
    """Whether `text` is made of words that say nothing."""
    text = text.replace("OK", "ok")
    words = re.findall(r"[a-z']+", text.casefold().replace("what's", "what is"))
    return bool(not _SPECIFIC.search(text) and _TELLING & set(words) and set(words) <= _EMPTY)


def _hedged(text: str) -> bool:
    """Whether a short `text` leaves what matters to its reader, and names nothing by name."""
    return len(text.split()) < _FEW and not _SPECIFIC.search(text) and _HEDGE.search(text) is not None


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
