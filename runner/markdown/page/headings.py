"""What a section is for, by the words of its heading."""

import re
from enum import StrEnum

from runner.core.deferred import regex


class Role(StrEnum):
    """The part of a runbook that a section fills."""

    TOP = "top"
    SCOPE = "scope"
    PREREQUISITES = "prerequisites"
    CONDITION = "condition"
    OVERVIEW = "overview"
    IMPACT = "impact"
    PROCEDURE = "procedure"
    STEP = "step"
    ALTERNATIVE = "alternative"
    COMMANDS = "commands"
    VERIFICATION = "verification"
    ESCALATION = "escalation"
    FOLLOW_UP = "follow-up"
    LINKS = "links"
    DEFINITION = "definition"
    ASIDE = "aside"


OWN = frozenset({Role.TOP, Role.PROCEDURE, Role.STEP, Role.COMMANDS, Role.VERIFICATION})
"""The roles whose sub-sections are sections of their own; those of every other role belong to it."""

_AFTER = "incident|deploy(?:ment)?|mortem|maintenance|recovery|release|change|event|procedure|escalation"
_DONE = "actions?|tasks?|checklist|steps?|review|follow-?ups?|activities"
_PROOF = "verif(?:y|ication)(?: steps?)?|validat(?:e|ion)|expected(?: results?| output)?|success criteria"
_ALTERNATIVE = (
    r"(?:scenario|option|case|alternative) (?:[a-z]|[0-9]+)\b.*|if .*|(?:roll(?:ing)? ?back|back-?out|revert|undo).*"
)
_CURE = "diagnosis|mitigation|remediation|resolution|troubleshooting|investigation"
_WORDS = (
    (Role.SCOPE, "scope"),
    (Role.PREREQUISITES, "pre-?requisites?|pre-?conditions?|requirements|before you (?:begin|start)|access required"),
    (Role.CONDITION, "meaning|symptoms?|triggers?|detection|alert details|when to use(?: this runbook)?|conditions?"),
    (Role.OVERVIEW, "overview|summary|description|purpose|background|introduction|situation|about|context"),
    (Role.IMPACT, "impact|business impact|user impact|impact assessment"),
    (
        Role.PROCEDURE,
        f"procedures?|steps|process|instructions|immediate actions?(?: .*)?|resolution steps|scenarios|{_CURE}",
    ),
    (Role.COMMANDS, "commands?|run"),
    (
        Role.VERIFICATION,
        _PROOF,
    ),
    (Role.ESCALATION, "escalations?(?: .*)?|when to escalate|who to contact|(?:emergency )?contacts?|on-?call"),
    (Role.FOLLOW_UP, f"post-? ?(?:{_AFTER})(?: (?:{_DONE}))?|follow-?ups?|after the (?:incident|deployment)"),
    (Role.LINKS, "links?|linked ids|references?|related.*|see also|(?:additional|further|more) (?:resources|reading)"),
    (Role.DEFINITION, "definition"),
    (
        Role.ASIDE,
        "(?:table of )?contents|toc|change ?log|revision history|document history|(?:additional )?notes?|prevention",
    ),
    (
        Role.ALTERNATIVE,
        _ALTERNATIVE,
    ),
)
_ROLES = tuple((role, regex(words)) for role, words in _WORDS)
_STEP = regex(r"[*_`]*step\s+(?:\d|n\b)", re.IGNORECASE)
_NUMBER = regex("(?:step\\s+)?(?:\\d+(?:\\.\\d+)*|n)\\s*[.:)\u2013\u2014-]\\s*|\\d+\\s+", re.IGNORECASE)


def plain(heading: str) -> str:
    """`heading` without its number, its ornaments and its stress."""
    text = re.sub(r"[*_`]+", "", heading.strip()) if re.match(r"\W*[*_`]", heading) else heading.strip()
    text = re.sub(r"^[^\w<(\"']+", "", text)
    return _NUMBER.sub("", text, count=1).strip() if _NUMBER.match(text) else text


def is_step(heading: str) -> bool:
    """Whether `heading` says of itself that it is a step, as in `Step 1: Check the queue`."""
    return _STEP.match(heading.strip()) is not None


def role(heading: str) -> Role:
    """What the section below `heading` is for; what is not known is done: a step."""
    if is_step(heading):
        return Role.STEP
    words = " ".join(re.sub(r"[^\w\s-]", " ", plain(heading).casefold()).split())
    return next((candidate for candidate, pattern in _ROLES if pattern.fullmatch(words)), Role.STEP)


_LABEL = regex(r"[*_\s]*(?P<words>[A-Za-z ]{3,20})(?:[*_]*:[*_]*|[*_]+)\s*(?P<rest>.*)")


def label(line: str) -> tuple[Role, str] | None:
    """The role that a line like `Verification:` gives to what follows it, and what else stands in the line."""
    match = _LABEL.fullmatch(line.strip())
    label_role = role(match["words"]) if match else Role.STEP
    return (label_role, match["rest"]) if match and label_role in {Role.COMMANDS, Role.VERIFICATION} else None
