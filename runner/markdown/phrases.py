"""What a phrase of the template means in YAML, where it can be read without guessing."""

import re
import unicodedata
from collections.abc import Iterator

from runner.core.deferred import regex
from runner.core.identifiers import REFERENCE_ID

TODO = "TODO"
"""What begins a text that a person has still to write."""

NOBODY = "todo"
"""The word for a contact, or for hosts, that nobody has named yet: no inventory and no contacts.yml knows it."""

_IDS = regex(r"\b([A-Z]{2,8})-([0-9]{3,6})((?:/[0-9]{3,6})*)")
_SEE = regex(r"(?P<what>.*?)\s*\((?:see|use|refer to)\s+(?P<see>RUN-[0-9]{3,6})\)")
_LASTS = regex(
    r".*\b(?:persists?|unresolved|not (?:yet )?(?:resolved|mitigated)|continues?|no progress)\b[^0-9]*?"
    r"(?P<number>[0-9]+)\s*(?P<unit>minutes?|mins?|m|hours?|hrs?|h)\b",
    re.IGNORECASE,
)
_EXITS = regex(r".*\bexits?\b.*?\b(?:status|code)\s+(?P<code>[0-9]{1,3})", re.IGNORECASE)
_RESULT = regex(
    r"(?:the (?:result|output|response|answer|status)|this|it) should \w|you should (?:see|get)\b", re.IGNORECASE
)
_MOST_EXIT = 255
_SEVERITIES = {word.casefold(): word for word in ("P0", "P1", "P2", "P3", "critical", "warning", "info")}
_CATEGORIES = ("incident", "deployment", "maintenance", "recovery", "escalation")


def is_result(text: str) -> bool:
    """Whether one line says what is seen where the command before it has worked: `The result should be 3`."""
    return "\n" not in text.strip() and bool(_RESULT.match(text.strip()))


def slug(text: str) -> str:
    """`text` in small letters, digits and `-`; empty when nothing of it can be said so."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")


def references(text: str) -> Iterator[str]:
    """Each id in `text`, `DEP-001/002` being two."""
    for match in _IDS.finditer(text):
        prefix, number, more = match.groups()
        for digits in (number, *more.split("/")[1:]):
            if re.fullmatch(REFERENCE_ID, f"{prefix}-{digits}"):
                yield f"{prefix}-{digits}"


def without_references(text: str) -> str:
    """What `text` says besides ids and what separates them."""
    return " ".join(re.sub(r"\[|\]", " ", _IDS.sub(" ", text)).replace(",", " ").split()).strip("-*; ")


def category(text: str) -> str | None:
    """The category that `text` names, as in `Incident Response`."""
    words = re.findall(r"[a-z]+", text.casefold())
    return words[0] if words and words[0] in _CATEGORIES and len(words) <= 2 else None  # noqa: PLR2004 - two words


def severity(text: str) -> str | None:
    """The severity that `text` names, on either scale."""
    words = re.findall(r"\w+", text)
    return _SEVERITIES.get(words[0].casefold()) if words else None


def exclusion(text: str) -> str | dict[str, str]:
    """A scenario that is not handled, and the runbook for it where `text` says `(see RUN-010)`."""
    match = _SEE.fullmatch(text)
    return {"what": match["what"], "see": match["see"]} if match and match["what"] else text


def trigger(text: str) -> dict[str, str]:
    """`MON-005 alert (pool above 90 %)` as an alert and its condition; anything else as an event."""
    match = re.match(r"(MON-[0-9]{3,6})\b\s*(?:alert\b)?\s*[:(]?\s*", text)
    if match is None:
        return {"event": text}
    rest = text[match.end() :].strip()
    if match[0].rstrip().endswith("(") and ")" in rest and "(" not in rest.partition(")")[0]:
        rest = rest.replace(")", "", 1)
    elif match[0].rstrip().endswith("("):
        rest = f"({rest}"
    return {"alert": match[1], "condition": rest} if rest else {"alert": match[1]}


def reason(text: str) -> str | dict[str, str]:
    """Why somebody is called: `Issue persists >15 minutes` is a time, anything else what an operator declares."""
    if text.casefold().strip(" .") in {"a step fails", "a step has failed", "any step fails"}:
        return "step_failed"
    match = _LASTS.fullmatch(text)
    if match and int(match["number"]):
        return {"unresolved_for": f"{int(match['number'])}{match['unit'][0].casefold()}"}
    return {"declared": text}


def contact(text: str) -> tuple[str, str]:
    """Who is meant by `Tech Lead (Slack: @lead)`, and what else is said of them."""
    name, bracket, rest = text.partition("(")
    return re.sub(r"[*_`]+", "", name).strip(" .:"), (bracket + rest).strip()


def exit_code(text: str) -> int | None:
    """The exit code that `text` expects, if it is of the kind `exits with status 0`."""
    match = _EXITS.fullmatch(text)
    return int(match["code"]) if match and int(match["code"]) <= _MOST_EXIT else None
