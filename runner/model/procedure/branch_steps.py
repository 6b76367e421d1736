"""The plain steps that stand in the place of `decide`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from string import ascii_lowercase
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from runner.core.deferred import dataclass
from runner.core.duration import show
from runner.core.templates import filled_expression
from runner.kinds import plugins
from runner.model.checks.condition_truth import accepts
from runner.model.checks.condition_type import is_condition
from runner.model.procedure.decide import JUDGES, Branch, BranchAction, Decide
from runner.model.step import BranchLabel
from runner.model.yaml.document import Document, located
from runner.model.yaml.finding import MAX_FINDINGS, Finding, InvalidFileError, Place, quoted

PROBES: Mapping[str, tuple[str | None, str]] = {
    "command": ("stdout", "rc == 0"),
    "http": ("content", "status == 200"),
    "sql": (None, ""),
}
"""What a branch may ask a host by: the text of its answer, and what must hold where nothing else is said."""

_YES_OR_NO = frozenset({0, 1})
"""The exit codes that are an answer of any command, as those of `grep` and `test` are."""
_FEW = 20
_AROUND_A_QUESTION = ("become", "become_user")
_AROUND = ("hosts", "on", "become", "become_user", "on_failure")

_NONE: Mapping[str, str] = MappingProxyType({})

_WrittenStep = tuple[Any, Place]
"""A step, and where what it says is written."""


def expand(document: Document) -> Document:
    """The runbook in `document` with plain steps in the place of the items that decide; it may have other faults.

    Raises:
        InvalidFileError: some decide nothing; every fault is in it, up to `MAX_FINDINGS`.
    """
    items = document.value.get("steps")
    misplaced = list(_misplaced(document))
    if not isinstance(items, list) or not (misplaced or any(map(_decides, items))):
        return document
    written, findings = list[_WrittenStep](), misplaced
    for number, item in enumerate(items):
        try:
            written += _Expansion(document).steps(item, ("steps", number))
        except InvalidFileError as error:
            findings += error.findings
    if findings:
        raise InvalidFileError(sorted(set(findings))[:MAX_FINDINGS])
    elsewhere = {place: origin for place, origin in document.origins.items() if place[0] != "steps"}
    origins = {("steps", number): document.origin(at) for number, (_, at) in enumerate(written)}
    value = {**document.value, "steps": [step for step, _ in written]}
    return replace(document, value=value, origins=elsewhere | origins, before=document.value)


def _misplaced(document: Document) -> Iterator[Finding]:
    """What decides where nothing can."""
    for key in ("prerequisites", "on_cancel"):
        items = document.value.get(key)
        for number, item in enumerate(items if isinstance(items, list) else ()):
            if _decides(item):
                hint = "write it there, or give each item an `only_if`"
                yield document.finding((key, number, "decide"), "wrong-decide", "is for an item of `steps`", hint=hint)


def _decides(item: Any) -> bool:
    return isinstance(item, dict) and "decide" in item


@dataclass(frozen=True)
class _Expansion:
    """Takes items apart that decide; one within a branch is part of the one around it.

    `of` is the id of the outermost, `label` the end of a step's number, `only_if` the condition of the branch, `title`
    the same in words; all of them are empty outside.
    """

    document: Document
    of: str = ""
    label: str = ""
    only_if: str = ""
    title: str = ""

    def steps(self, item: Any, at: Place) -> Iterator[_WrittenStep]:
        """What stands in the place of `item`."""
        if not isinstance(item, dict):
            yield item, at
        elif _decides(item):
            yield from self._branches(self._validated(item, at), item, at)
        else:
            yield self.needed(item, item.get("only_if")), at

    def _validated(self, item: dict[str, Any], at: Place) -> Decide:
        try:
            return Decide.model_validate(item)
        except ValidationError as error:
            raise InvalidFileError(located(self.document, error, at=at, model=Decide)) from None

    def needed(
        self, step: dict[str, Any], only_if: Any = None, *, branches: Mapping[str, str] = _NONE, stops: str = ""
    ) -> dict[str, Any]:
        """`step` where its own condition holds, and that of the branch that it stands in."""
        own = {key: value for key, value in step.items() if key != "only_if"}
        about = partial(BranchLabel, label=self.label, condition=self.title, branches=branches, stops=stops)
        branch = {"branch": about(of=self.of)} if self.of else {}
        if only_if is not None and not isinstance(only_if, str):
            return {**step, **branch}  # which is a fault that the reader tells
        return {**own, **({"only_if": joined} if (joined := _joined(self.only_if, only_if)) else {}), **branch}

    def _branches(self, decide: Decide, item: dict[str, Any], at: Place) -> Iterator[_WrittenStep]:
        inner = replace(self, of=self.of or decide.id)
        around = {key: item[key] for key in _AROUND if key in item}
        truths: dict[str, str] = {}
        asked = [letter for letter, branch in decide.branches if isinstance(branch.if_, dict)]
        share = max(timedelta(seconds=1), decide.within / max(1, len(asked)))
        for number, (letter, branch) in enumerate(decide.branches):
            place = (*at, "decide", number)
            truths[letter] = f"({branch.if_})"
            if letter in asked:
                before = " and ".join(f"not {truth}" for other, truth in truths.items() if other != letter)
                conditions = _joined(decide.only_if, before)
                probe = self.probe(decide, branch, letter, place) | around | {"timeout": show(share)}
                asks = replace(inner, label=f"{self.label}{letter}", title=branch.title)
                yield asks.needed(probe, conditions), (*place, "if")
                truths[letter] = f"({decide.captured}_{letter} | default(false))"
        words = decide.in_words
        yield inner.needed(_choice(decide, truths, words) | around, decide.only_if, branches=words), at
        for letter, action, place in _actions(decide, at):
            condition = _joined(self.only_if, decide.only_if, f"{decide.captured} == '{letter}'")
            title = action.title if isinstance(action, Branch) else "else"
            taken = replace(inner, label=f"{self.label}{letter}", only_if=condition, title=title)
            yield from taken.action(decide, action, letter, place, around)

    def action(
        self, decide: Decide, action: BranchAction, letter: str, at: Place, around: Mapping[str, Any]
    ) -> Iterator[_WrittenStep]:
        """What is done in a branch."""
        hosts = {"hosts": decide.hosts} if decide.hosts else {}
        for number, step in enumerate(action.then or ()):
            numbered = replace(self, label=f"{self.label}.{number + 1}")
            yield from numbered.steps({**hosts, **step}, (*at, "then", number))
        own, only = {"id": f"{decide.id}-{letter}-ends", **around}, replace(self, label=f"{self.label}.1")
        if action.stop:
            fail = {"ansible.builtin.fail": {"msg": action.stop}}
            stops = {"name": "End the run here", "effect": "read", "module": fail, "on_failure": "stop"}
            verify = [{"says": "Nothing more is done on this host", "that": "result is not failed"}]
            yield only.needed({**own, **stops, "verify": verify}, stops=action.stop), (*at, "stop")
        if action.run:
            yield only.needed({**own, "name": f"Do {action.run}", "run": action.run, **action.of_run()}), at

    def probe(self, decide: Decide, branch: Branch, letter: str, at: Place) -> dict[str, Any]:
        """The step that asks a host whether the branch is to be taken."""
        assert isinstance(branch.if_, dict)  # noqa: S101 - the caller asked
        keys = [key for key in PROBES if key in branch.if_]
        if len(keys) != 1:
            message = f"asks by {len(keys)} of {', '.join(PROBES)}"
            raise self._fault((*at, "if"), message, "write one of them, or a condition")
        known = {*plugins.keys_of(plugins.steps()[keys[0]]), *JUDGES, *_AROUND_A_QUESTION}
        if strange := [key for key in branch.if_ if key not in known]:
            hint = f"possible keys are {', '.join(sorted(known - branch.if_.keys()))}"
            message = f"unknown key {quoted(strange[0])}: a question looks, and keeps nothing but its answer"
            raise InvalidFileError([self.document.finding((*at, "if", strange[0]), "unknown-key", message, hint=hint)])
        condition, codes = self._judged(branch.if_, keys[0], (*at, "if"))
        asks = {key: value for key, value in branch.if_.items() if key not in JUDGES}
        answers = {"http": {"accept": "any"}}.get(keys[0], {})
        verify: list[dict[str, Any]] = [{"says": "The answer is yes or no", "that": f"({condition}) is boolean"}]
        verify += [{"says": "It is an answer", "exit": codes}] if codes else []
        return {
            "id": f"{decide.id}-{letter}",
            "name": f"{branch.title}?",
            "effect": "read",
            **asks,
            **answers,
            "capture": {f"{decide.captured}_{letter}": _as_numbers(condition)},
            "verify": verify,
        }

    def _judged(self, probe: Mapping[str, Any], key: str, at: Place) -> tuple[str, list[int]]:
        """The condition that the answer is yes, and the exit codes that are an answer."""
        kinds = plugins.verifications()
        text, default = PROBES[key]
        try:
            made = [kinds[each].model_validate({each: probe[each]}) for each in JUDGES if each in probe]
            conditions = [condition for kind in made for condition in kind.conditions(text)]
        except ValidationError as error:
            raise InvalidFileError(located(self.document, error, at=at)) from None
        except ValueError as error:
            raise self._fault(at, str(error), "") from None
        if not (condition := _joined(*conditions) or default):
            raise self._fault(at, "does not say which answer is a yes", "add `that`, like that: row.waiting > 0")
        if key != "command":
            return condition, []
        more = [code for code in range(2, 124) if accepts(condition, rc=code)]
        return condition, sorted(_YES_OR_NO | set(more if len(more) <= _FEW else ()))

    def _fault(self, at: Place, message: str, hint: str) -> InvalidFileError:
        return InvalidFileError([self.document.finding(at, "wrong-branch", message, hint=hint)])


def _as_numbers(condition: str) -> str:
    """The condition as ansible-lint can evaluate it, to which a number in an answer that is not there yet is text."""
    numbers = {name: f"{{{{ {name} | int }}}}" for name in ("rc", "status")}
    return filled_expression(condition, numbers) if re.search("[<>]", condition) else condition


def _joined(*conditions: str | None) -> str:
    """The condition that holds where all of those that there are hold."""
    there = [each for each in conditions if each]
    return " and ".join(f"({each})" for each in there) if len(there) > 1 else "".join(there)


def _choice(decide: Decide, truths: Mapping[str, str], words: Mapping[str, str]) -> dict[str, Any]:
    """The step that says which branch is taken, of those that are told in `words`."""
    otherwise = ascii_lowercase[len(truths)]
    doubtful = dict(_doubtful(decide, truths))
    holds = {each: f"{truth} is true" if each in doubtful else truth for each, truth in truths.items()}
    letter = "".join(f"'{each}' if {truth} else " for each, truth in holds.items()) + f"'{otherwise}'"
    taken: list[dict[str, Any]] = (
        [{"says": "Each condition is true or false", "that": [*doubtful.values()]}] if doubtful else []
    )
    taken += [{"says": "One branch is taken", "that": f"{decide.captured} in {list(words)}"}]
    why = {"why": decide.why} if decide.why else {}
    return {
        "id": decide.id,
        "name": decide.name,
        **why,
        "effect": "read",
        "module": {"ansible.builtin.debug": {"msg": f"{{{{ {words!r}[{letter}] }}}}"}},
        "capture": {decide.captured: letter},
        "verify": taken,
    }


def _doubtful(decide: Decide, truths: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each branch whose condition may be neither true nor false, and that it is one, unless one before it holds."""
    before = ""
    for letter, branch in decide.branches:
        if isinstance(branch.if_, str) and not is_condition(branch.if_):
            yield letter, f"{before}{truths[letter]} is boolean"
        before += f"{truths[letter]} or "


def _actions(decide: Decide, at: Place) -> Iterator[tuple[str, BranchAction, Place]]:
    """What is done in each branch, with its letter, and where that is written."""
    for number, (letter, item) in enumerate(zip(ascii_lowercase, decide.decide, strict=False)):
        place = (*at, "decide", number)
        if isinstance(item, Branch):
            yield letter, item, place
        elif isinstance(item.else_, BranchAction):
            yield letter, item.else_, (*place, "else")
