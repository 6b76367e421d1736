"""The prerequisites that take the `baseline` of verifications before step 1."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from runner.core.templates import names_in, texts_in
from runner.kinds import plugins
from runner.kinds.values import BASELINE, TakenBaseline, is_number
from runner.kinds.verifications.base import VerificationKind
from runner.model.checks.condition import names, parse
from runner.model.names import ITEM, NUMBER
from runner.model.yaml.document import Document, Origin
from runner.model.yaml.finding import MAX_FINDINGS, Finding, InvalidFileError, Place, quoted

_LONGEST = 64
_AROUND = ("hosts", "on", "become", "become_user")


def expand(document: Document) -> Document:
    """The runbook in `document` with a prerequisite for each baseline; it may have other faults.

    Raises:
        InvalidFileError: some cannot be taken before step 1; every fault is in it, up to `MAX_FINDINGS`.
    """
    known_later = {name for step, _ in _steps(document) for name in _given(step)} | {ITEM, NUMBER}
    value, taken, findings = dict(document.value), list[tuple[dict[str, Any], Place]](), list[Finding]()
    for step, place in _steps(document):
        for part, at, item in _compared(step, place):
            findings += _faults(document, at, item, known_later)
            kept = TakenBaseline(item["baseline"], _name(step, part, at[-1], len(taken)))
            taken.append((_prerequisite(step, item, kept) | _needed(step, known_later), at))
            value = _with(value, at, {**item, "baseline": kept})
    if findings:
        raise InvalidFileError(sorted(set(findings))[:MAX_FINDINGS])
    if not taken:
        return document
    before = value.get("prerequisites")
    first = len(before) if isinstance(before, list) else 0
    value["prerequisites"] = [*(before if isinstance(before, list) else ()), *(item for item, _ in taken)]
    origins: dict[Place, Origin] = {
        ("prerequisites", first + number): document.origin(at) for number, (_, at) in enumerate(taken)
    }
    return replace(document, value=value, origins={**document.origins, **origins}, before=document.written)


def _steps(document: Document) -> Iterator[tuple[dict[str, Any], Place]]:
    """Every step, and where it stands; a rollback trigger that is watched is looked at by one as well."""
    for key, inner in (("prerequisites", ()), ("steps", ()), ("watch", ("step",)), ("on_cancel", ())):
        items = document.value.get(key)
        for number, item in enumerate(items if isinstance(items, list) else ()):
            step = item.get(*inner) if inner and isinstance(item, dict) else item
            if isinstance(step, dict):
                yield step, (key, number, *inner)


def _given(step: Mapping[str, Any]) -> Iterator[str]:
    """The names that a step gives to what is known after it."""
    for key in ("capture", "choose"):
        yield from step[key] if isinstance(step.get(key), dict) else ()


def _compared(step: Mapping[str, Any], at: Place) -> Iterator[tuple[str, Place, dict[str, Any]]]:
    """The verifications of a step and its undo that have a baseline to take, and where each stands."""
    undo = step.get("undo")
    for part, holder, place in (("", step, at), ("undo_", undo, (*at, "undo"))):
        verify = holder.get("verify") if isinstance(holder, dict) else None
        for number, item in enumerate(verify if isinstance(verify, list) else ()):
            if isinstance(item, dict) and _is_expression(item.get(BASELINE)):
                yield part, (*place, "verify", number), item


def _is_expression(written: Any) -> bool:
    """Whether something is written, in which the reader finds no fault."""
    return isinstance(written, str) and parse(written) is not None


def _probe(item: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a verification that looks; empty where none does."""
    for key, kind in plugins.verifications().items():
        if key in item and kind.probe is not VerificationKind.probe:
            keys = plugins.keys_of(kind)
            return {name: value for name, value in item.items() if name in keys}
    return {}


def _name(step: Mapping[str, Any], part: str, number: Any, count: int) -> str:
    """By which name a baseline is kept: that of the step, and which of its verifications it is for."""
    name = f"baseline_{part}{str(step.get('id')).replace('-', '_')}_{number + 1}"
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 4]}_{count}"


def _prerequisite(step: Mapping[str, Any], item: Mapping[str, Any], kept: TakenBaseline) -> dict[str, Any]:
    around = {key: step[key] for key in _AROUND if key in step} | {key: item[key] for key in _AROUND if key in item}
    return {
        "name": f"Baseline: {item.get('says', step.get('name'))}",
        "why": "A later verification compares with it",
        "look": _probe(item),
        **around,
        "capture": {kept.name: kept.expression},
        "verify": [{"says": "It is a number", "that": is_number(kept.expression)}],
    }


def _needed(step: Mapping[str, Any], known_later: set[str]) -> dict[str, Any]:
    """The condition under which the step is needed, where it can be judged before step 1."""
    condition = step.get("only_if")
    return {"only_if": condition} if isinstance(condition, str) and not names(condition) & known_later else {}


def _faults(document: Document, at: Place, item: Mapping[str, Any], known_later: set[str]) -> Iterator[Finding]:
    place = (*at, BASELINE)
    needed = {name for text in texts_in(_probe(item)) for name in names_in(text)} | names(item[BASELINE])
    for name in sorted(needed & known_later):
        message = f"is taken before step 1, when {quoted(name)} is not known yet"
        yield document.finding(place, "unknown-name", message, hint="ask for something that inputs say")
    if at[0] == "prerequisites" or not _probe(item):
        message = "is made before step 1 itself" if _probe(item) else "has nothing to ask before step 1"
        yield document.finding(
            place, "no-probe", message, hint="write it in a step, with http, sql, command or another probe"
        )
    that = item.get("that")
    if not any(BASELINE in names(str(each)) for each in (that if isinstance(that, list) else [that])):
        message = "no `that` beside it compares with it"
        yield document.finding(place, "no-comparison", message, hint="add one, like that: value <= baseline * 1.2")


def _with(value: Any, at: Place, item: Any) -> Any:
    """`value` with `item` at the place `at` of it."""
    if not at:
        return item
    key: Any = at[0]
    inner = _with(value[key], at[1:], item)
    return {**value, key: inner} if isinstance(value, dict) else [inner if n == key else v for n, v in enumerate(value)]
