"""Why a step, a verification or a condition has not come to what it should, in one line."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from runner.compiler.condition_names import searched
from runner.core.deferred import regex
from runner.core.events import DONE, Outcome
from runner.core.observation import Observation, Operand
from runner.model.checks.condition import names
from runner.model.checks.condition_type import neither

_NOISE = regex(
    r"^(?:(?:Task|Action) failed: |Error while evaluating conditional: "
    r"|Finalization of task args for '[\w.]+' failed: |Error while resolving value for 'runbook_needs_\w+': )+"
)
_NO_NUMBER = "it is not JSON: it has NaN or Infinity"
_PLAINLY = (
    (
        regex(
            r"^Status code was -1 and not \[[\d, ]*\]: (?:Request failed|Connection failure): "
            r"(?:<urlopen error )?(?:\[Errno -?\d+\] )?(.*?)>?$"
        ),
        r"no answer: \1",
    ),
    (regex(r"^Timed out after (\d+) second\(s\)\.$"), r"timed out after \1s"),
    (regex(r"^OK \(([^()]*)\)$"), r"the answer is something else than it should be (\1)"),
    (regex(r"^.*Out of range float values are not JSON compliant.*$"), _NO_NUMBER),
    (regex(r"/[^\s'\"]*/runbook-[\w-]+/project/"), ""),
)
"""What Ansible says of a request that nobody has answered, of a task that took too long, of an answer that our own
condition refuses, of a number that is none, and of a file that lies where nobody looks for it, and how it is told."""

_CUT = ".truncated | default(false)"
"""What is in a condition of ours that the output was not cut."""

_NO_JSON = regex(r"'ansible\.builtin\.from_json' failed|has no attribute 'json'")
"""What Ansible says where a condition, or a capture, asks for a part of what is no JSON."""

_NEITHER = regex(r"Conditional result \(\w+\) was derived from value of type '(\w+)'")
"""What Ansible says of a condition that is neither true nor false."""

_ASKED = regex(r"(?:.* or )?\((.*)\) is boolean")
"""How a diagnosis has it checked that a condition of its own is one or the other."""

_OF_ANSIBLE = "Assertion failed"
"""What an assertion says that has no message of its own."""

_LIMITS = {
    "step": "the `timeout` of the step",
    "check": "the limit of one look of a verification, which only a shorter `within` changes",
}


def decision(title: str, outcome: Outcome, result: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """What is recorded of the decision `title`, `Only if ...`, whether a step is needed; `values` are what it saw."""
    facts = result.get("ansible_facts") or {}
    condition, words = title.removeprefix("Only if "), Observation(values=values).in_words()
    is_decided = bool(facts) and all(type(value) is bool for value in facts.values())
    if outcome is Outcome.PASSED and is_decided:
        outcome = Outcome.PASSED if all(facts.values()) else Outcome.NOT_NEEDED
        why = words if outcome is Outcome.PASSED else _with(f"{condition} is not true", words)
    elif facts:
        value = next((value for value in facts.values() if type(value) is not bool), None)
        is_name = re.fullmatch(r"[\w.]+", condition)
        said = "; ".join(neither(condition, type(value))) if is_name else f"{condition} is neither true nor false"
        outcome, why = Outcome.FAILED, _with(said, words)
    else:
        why = f"{condition} cannot be evaluated: {reason_of(outcome, result, Observation())}"
        outcome = Outcome.FAILED if outcome is Outcome.PASSED else outcome
    data = {"part": "only_if", "outcome": outcome, "says": title, "saw": dict(values)}
    return data | ({"reason": why} if why else {}) | ({"values": facts} if outcome in DONE else {})


def _with(sentence: str, values: str) -> str:
    return f"{sentence}: {values}" if values else sentence


def _undecided(judged: Mapping[str, Any], operands: Sequence[Operand]) -> str:
    """That what `judged` found a condition neither true nor false: the one of its `operands` that is so; else empty."""
    asked = _ASKED.fullmatch(str(judged.get("assertion", "")))
    found = _NEITHER.search(str(judged.get("msg", "")))
    if not (asked or found):
        return ""
    for each in operands:
        is_it = each.get("decides") or (asked and each["name"] == asked[1])
        if is_it and "value" in each and type(each["value"]) is not bool:
            return "; ".join(neither(str(each["name"]), type(each["value"])))
    what = f"{asked[1]} is" if asked else f"the condition gives a value of the type {found[1]}," if found else ""
    return f"{what} neither true nor false; say what is good"


def verdict(
    outcome: Outcome,
    judged: Mapping[str, Any],
    last: Mapping[str, Any],
    seen: Observation,
    samples: int,
    operands: Sequence[Operand] = (),
) -> str:
    """One line that says why a verification did not pass: what `judged` it, after `last` was seen.

    `operands` are those of its conditions.
    """
    assertion = " ".join(str(judged.get("assertion", "")).split())
    if words := _undecided(judged, operands):
        values = seen.in_words()
    elif not assertion:
        words, values = _not_judged(outcome, judged, last, seen)
    elif seen.cut and _CUT in assertion:
        words, values = seen.cut_sentence, ""
    elif (search := searched(assertion)) and seen.stream == search[0]:
        words = f"{search[0]} does not match {search[1]!r}"
        values = seen.cut_sentence if search[0] in seen.cut else seen.last_lines
    elif set(seen.values) == {"problem"}:  # which says itself why
        words, values = _own_words(seen.values["problem"]), ""
    elif "probe" in names(assertion):  # there was no answer that could be judged
        words, values = reason_of(outcome, last, seen), ""
    elif (message := str(judged.get("msg") or _OF_ANSIBLE)) != _OF_ANSIBLE:  # the verification has words of its own
        words, values = " ".join(message.split()), ""
    elif seen.exit_code and set(seen.values) == {"rc"}:
        words, values = reason_of(outcome, {}, seen), ""
    else:
        words, values = f"{assertion} is not true", seen.in_words()
    after = f" after {samples} samples" if samples > 1 else ""
    return f"{words}{after}" + (f": {values}" if values else "")


def _not_judged(
    outcome: Outcome, judged: Mapping[str, Any], last: Mapping[str, Any], seen: Observation
) -> tuple[str, str]:
    """Why a condition could not be evaluated, or a probe not be made, and the values that say more."""
    words = reason_of(outcome, last_of(judged), Observation() if last else seen)
    values, shown = seen.in_words(), Observation.of_result(last) if last else seen
    if _NO_JSON.search(words):
        return _not_json(shown), ""
    if words == _NO_NUMBER:
        return words, shown.last_lines
    return "the first look gives no number to compare with" if values and words == outcome else words, values


def _not_json(seen: Observation) -> str:
    """That an answer or an output is no JSON, with what it is."""
    what = "the answer" if seen.status is not None or seen.stream == "content" else "the output"
    return f"{what} is not JSON: {seen.last_lines}"


def _own_words(value: str) -> str:
    """The text of a value as it is shown: without its quotation marks, where it was not cut."""
    try:
        return str(json.loads(value))
    except ValueError:
        return value


def reason_of(
    outcome: Outcome, result: Mapping[str, Any], seen: Observation, *, of: Literal["step", "check"] = "check"
) -> str:
    """One line that says why it did not pass; `of` says what had the time limit."""
    if seen.limit:
        return f"timed out on the host after {seen.limit}, {_LIMITS[of]}"
    if "assertion" in result and result.get("msg") in (None, "", _OF_ANSIBLE):
        return f"{' '.join(str(result['assertion']).split())} is not true"
    message = _NOISE.sub("", str(result.get("msg") or result.get("skip_reason") or "").strip())
    for ansible, plainly in _PLAINLY:
        message = ansible.sub(plainly, message)
    if message in {"", "non-zero return code"} and seen.sentence:
        return seen.sentence
    last = seen.last_line if seen.stream == "stderr" else ""
    if printed := str(result.get("module_stderr") or "").strip().splitlines():
        # No module ran: a program that is no Python, like a shim, says the cause first, and Python itself last.
        last = printed[-1] if printed[0].startswith("Traceback") else printed[0]
    return ": ".join(filter(None, [*(message or outcome).splitlines()[:1], last]))


def last_of(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """The last sample of a probe that was repeated."""
    samples = result.get("results")
    return samples[-1] if isinstance(samples, list) and samples and isinstance(samples[-1], Mapping) else result
