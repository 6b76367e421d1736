"""From a checked YAML document to a Runbook: each step and verification by the key it is written with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from runner.kinds import plugins
from runner.kinds.plugins import all_keys, keys_of, owners_of
from runner.kinds.steps.base import KEYS_OF_STEPS, StandInStep, StepKind
from runner.kinds.verifications.base import KEYS_OF_VERIFICATIONS, VerificationKind
from runner.model.checks import ansible_hints, controller_lookups
from runner.model.checks.cross_checks import STAND_IN, STAND_IN_STEP, faults
from runner.model.checks.written_step import WrittenStep, with_env
from runner.model.procedure.drill import PHASES, Drill
from runner.model.procedure.rollback_triggers import Rollback, RollbackTrigger
from runner.model.runbook import Runbook
from runner.model.step import BranchLabel, RegistryCriterion, Step, Undo
from runner.model.verification import Verification, in_words
from runner.model.yaml.document import Document, located
from runner.model.yaml.finding import MAX_FINDINGS, Finding, InvalidFileError, Place, did_you_mean, quoted

_Model = TypeVar("_Model", bound=BaseModel)
_Kinds = Mapping[str, type[StepKind]] | Mapping[str, type[VerificationKind]]

_NO_KINDS: Mapping[str, type[StepKind]] = MappingProxyType({})
_RUNBOOK_KEYS = frozenset(Runbook.model_fields)
NOT_OF_PREREQUISITES = (
    *("id", "effect", "on_failure", "undo", "approve", "choose", "auto", "reversible", "idempotent"),
    *("announce", "run", "role", "tasks"),  # nobody sees from here that they only look
)
ALONE = ("confirm", "oncall")
"""The verifications that are a prerequisite without another word."""
BESIDE = frozenset({"name", "why", "hosts"})
"""The keys that such a prerequisite may have besides."""

_PROVES_ITSELF: Mapping[str, Any] = MappingProxyType({"verify": [{"says": "It exits with status 0", "exit": 0}]})
"""How an undo is verified that a kind brings along: its action fails unless all is taken back."""

_LABELS: Mapping[str, type] = MappingProxyType({"branch": BranchLabel, "criterion": RegistryCriterion})
"""What a step is marked with that stands in the place of something else; nobody can write it."""

# What stands for an action that has faults of its own, so that the rest of the step is still checked.
_ACTION = StandInStep()
# The same for an escalation that calls nobody.
_NOBODY = MappingProxyType({"when": ("step_failed",), "contacts": ("nobody",), "provide": ("-",)})


def to_runbook(document: Document) -> Runbook:
    """The runbook that `document` describes.

    Raises:
        InvalidFileError: it does not describe one; every fault is in it, up to `MAX_FINDINGS`.
    """
    reader = _RunbookReader(document)
    runbook = reader.runbook()
    if runbook is None or reader.findings:
        raise InvalidFileError(sorted(set(reader.findings))[:MAX_FINDINGS])
    return runbook


def to_probe(document: Document, at: Place) -> Verification:
    """The verification at `at` of a registry, beside which `hosts` may say where it is made.

    Raises:
        InvalidFileError: it is none; every fault is in it.
    """
    reader, raw = _RunbookReader(document), document.at(at)
    probe = reader._verification({key: part for key, part in raw.items() if key != "hosts"}, at)  # noqa: SLF001
    if probe is None or reader.findings:
        raise InvalidFileError(sorted(set(reader.findings)))
    return probe


class _RunbookReader:
    """Walks one document and collects every fault before anybody complains."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.findings: list[Finding] = []

    def runbook(self) -> Runbook | None:
        value = self.document.value
        prerequisites = [
            WrittenStep(at, item, self._prerequisite(item, number, at))
            for number, (item, at) in enumerate(self._written(value, "prerequisites"), 1)
        ]
        steps, on_cancel = self._steps(value, "steps"), self._steps(value, "on_cancel")
        looks, triggers = self._triggers(value)
        known = {key: item for key, item in value.items() if key in _RUNBOOK_KEYS}
        self._known(value, _RUNBOOK_KEYS, (), ansible_hints.RUNBOOK)
        for key, written in (("prerequisites", prerequisites), ("steps", steps), ("on_cancel", on_cancel)):
            if isinstance(known.get(key), list):
                known[key] = tuple(each.step or STAND_IN_STEP for each in written)
        known["escalation"] = self._escalation(value)
        if "drill" in value:
            known["drill"] = self._drill(value, value["drill"])
        known |= {"watch": triggers} if "watch" in known else {}
        for fault in faults(value, prerequisites, steps, on_cancel, looks):
            self._fault(*fault)
        for place, message in controller_lookups.faults(value):
            self._fault(place, "controller-lookup", message, controller_lookups.HINT)
        return self._make(Runbook, known, at=())

    def _escalation(self, value: Mapping[str, Any]) -> Any:
        """What is written; a stand-in where nobody is called, which is told here and in words of its own."""
        raw = value.get("escalation")
        if not raw:
            hint = "say when, whom and with what: {when: [step_failed], contacts: [on-call], provide: [timeline]}"
            at: Place = ("escalation",) if "escalation" in value else ()
            self._fault(at, "no-escalation", "nobody is called, whatever happens: `escalation` is missing", hint)
            return dict(_NOBODY)
        if not isinstance(raw, dict):
            return raw
        for key in (key for key in ("when", "contacts") if raw.get(key) in (None, [])):
            at = ("escalation", key) if key in raw else ("escalation",)
            self._fault(at, "no-escalation", f"nobody is called, whatever happens: it has nothing in `{key}`")
            raw = {**raw, key: _NOBODY[key]}
        return raw

    def _drill(self, value: Mapping[str, Any], raw: Any) -> Any:
        """How the runbook in `value` is rehearsed; its steps are checked as if they were a procedure of their own."""
        if not isinstance(raw, dict):
            return raw
        self._known(raw, Drill.model_fields, at := ("drill",), {})
        phases = {**raw, "env": value.get("env")}
        written = {key: self._steps(phases, key, at) for key in PHASES if isinstance(raw.get(key), list)}
        whole = {key: value[key] for key in ("id", "inputs") if key in value}
        for fault in faults(whole, (), [step for steps in written.values() for step in steps], ()):
            self._fault(*fault)
        known = {key: item for key, item in raw.items() if key in Drill.model_fields}
        known |= {key: tuple(each.step or STAND_IN_STEP for each in steps) for key, steps in written.items()}
        return self._make(Drill, known, at=at)

    def _triggers(self, value: Mapping[str, Any]) -> tuple[list[WrittenStep], tuple[RollbackTrigger, ...]]:
        """The rollback triggers that are watched: how each is looked at, and what follows."""
        looks, triggers = list[WrittenStep](), list[RollbackTrigger]()
        for item, at in self._items(value, "watch", ()):
            if not (isinstance(item, dict) and isinstance(rollback := item.get("rollback"), Rollback)):
                self._fault(at, "wrong-type", "must be the id of an entry with a rollback trigger, like DEP-006")
                continue
            raw = with_env(item["step"], value.get("env"))
            looks.append(WrittenStep((*at, "step"), raw, step := self._step(raw, (*at, "step"))))
            about = {"id": item["entry"], "says": rollback.trigger, "every": rollback.every, "auto": rollback.auto}
            made = (
                step
                and STAND_IN not in step.verify
                and self._make(RollbackTrigger, {**about, "step": step, "to": rollback.to}, at=at)
            )
            triggers += [made] if made else []
        return looks, tuple(triggers)

    def _steps(self, value: Mapping[str, Any], key: str, at: Place = ()) -> list[WrittenStep]:
        return [WrittenStep(place, item, self._step(item, place)) for item, place in self._written(value, key, at)]

    def _written(self, value: Mapping[str, Any], key: str, at: Place = ()) -> list[tuple[Any, Place]]:
        """The steps under `key`, as they are meant."""
        return [(with_env(item, value.get("env")), place) for item, place in self._items(value, key, at)]

    def _prerequisite(self, raw: Any, number: int, at: Place) -> Step | None:
        if not isinstance(raw, dict):
            self._fault(at, "wrong-type", "a prerequisite is a mapping with `confirm`, or with a probe and `verify`")
            return None
        fixed = {"id": f"prerequisite-{number}", "effect": "read", "on_failure": "stop"}
        if alone := next((key for key in ALONE if key in raw), ""):
            return self._alone(raw, alone, fixed, at)
        for key in raw.keys() & set(NOT_OF_PREREQUISITES):
            message = f"a prerequisite has no `{key}`: it only looks, and the run stops where it is not met"
            self._fault((*at, key), "unknown-key", message)
        rest = {key: item for key, item in raw.items() if key not in NOT_OF_PREREQUISITES}
        return self._step({**rest, **fixed}, at, "this prerequisite")

    def _alone(self, raw: dict[str, Any], key: str, fixed: dict[str, str], at: Place) -> Step | None:
        habit = {"verify": f"`{key}` is what is verified; write one prerequisite for each"}
        self._known(raw, BESIDE | {key}, at, habit)
        found = self._verification({key: raw[key]}, at)
        if found is None:
            return None
        about = {key: item for key, item in raw.items() if key in {"why", "hosts"}}
        value = {"name": raw.get("name", found.says), **about, **fixed, "action": None, "verify": (found,)}
        return self._make(Step, value, at=at)

    def _step(self, raw: Any, at: Place, whose: str = "this step") -> Step | None:
        if not isinstance(raw, dict):
            self._fault(at, "wrong-type", "a step is a mapping with `id`, `name`, an action and `verify`")
            return None
        kinds = plugins.steps()
        labels = {key: raw[key] for key, label in _LABELS.items() if isinstance(raw.get(key), label)}
        raw = {key: item for key, item in raw.items() if key not in labels}
        acts = any(key in kinds for key in raw)
        action = self._action(raw, at) if acts else None
        strange = self._keys_of_step(raw, action, at, acts=acts)
        rest = {key: item for key, item in raw.items() if key in KEYS_OF_STEPS}
        rest |= labels
        rest["verify"] = self._verifications(raw, at, whose)
        if isinstance(rest.get("undo"), dict):
            rest["undo"] = self._undo(rest["undo"], (*at, "undo"))
        elif action and action.undone_by and "undo" not in raw and "reversible" not in raw:
            rest["undo"] = Undo(action=action.undone_by, verify=self._verifications(_PROVES_ITSELF, at, "its undo"))
        if not acts or (action and action.touches_nothing):
            rest.setdefault("effect", "read")
        # An unknown key is most likely an action that is misspelled.
        return self._make(Step, {**rest, "action": action or (_ACTION if acts or strange else None)}, at=at)

    def _keys_of_step(self, raw: Mapping[str, Any], action: StepKind | None, at: Place, *, acts: bool) -> bool:
        """Complain about the keys that a step does not have; whether there are any."""
        kinds = plugins.steps()
        known = KEYS_OF_STEPS | (keys_of(type(action)) if action else all_keys(kinds))
        strange = [key for key in raw if key not in known and key not in all_keys(kinds)]
        self._known(raw, known, at, ansible_hints.STEP, kinds)
        if not (acts or strange):
            for key in raw.keys() & (all_keys(kinds) - KEYS_OF_STEPS):
                self._fault((*at, key), "unknown-key", f"unknown key {quoted(key)}", owners_of(key, kinds))
        return bool(strange)

    def _action(self, raw: Mapping[str, Any], at: Place) -> StepKind | None:
        kinds = plugins.steps()
        keys = [key for key in raw if key in kinds]
        if len(keys) != 1:
            hint = f"add one of {', '.join(kinds)}" if not keys else "write one step for each"
            message = f"has {len(keys)} actions, {' and '.join(keys)}" if keys else "does nothing"
            self._fault(at, "one-action", message, hint)
            return None
        kind = kinds[keys[0]]
        return self._make(kind, {key: raw[key] for key in raw if key in keys_of(kind)}, at=at)

    def _undo(self, raw: dict[str, Any], at: Place) -> Undo | None:
        kinds = plugins.steps()
        strange = [key for key in raw if key not in all_keys(kinds) | {"verify"}]
        action = self._action(raw, at) if raw.keys() & kinds.keys() or not strange else None
        known = {"verify"} | (keys_of(type(action)) if action else all_keys(kinds))
        self._known(raw, known, at, ansible_hints.STEP, kinds)
        verify = self._verifications(raw, at, "the undo")
        return self._make(Undo, {"action": action or _ACTION, "verify": verify}, at=at)

    def _verifications(self, raw: Mapping[str, Any], at: Place, whose: str) -> tuple[Verification, ...]:
        if "verify" not in raw and any(kind.verifies_itself for key, kind in plugins.steps().items() if key in raw):
            return ()
        if not raw.get("verify"):
            hint = "say how one sees that it worked"
            self._fault(at, "no-verification", f"{whose} has no `verify`", hint)
            return (STAND_IN,)
        verifications = [self._verification(item, place) for item, place in self._items(raw, "verify", at)]
        return tuple(each or STAND_IN for each in verifications) or (STAND_IN,)

    def _verification(self, raw: Any, at: Place) -> Verification | None:
        if not isinstance(raw, dict):
            message = "a verification is a mapping with what is looked at and what must hold"
            self._fault(at, "wrong-type", message, "like {exit: 0} or {that: rc == 0}")
            return None
        every_kind = plugins.verifications()
        present = [kind for key, kind in every_kind.items() if key in raw]
        known = {*KEYS_OF_VERIFICATIONS, *every_kind}.union(*map(keys_of, present))
        self._known(raw, known, at, ansible_hints.VERIFICATION, every_kind)
        if not present:
            if raw.keys() <= known:
                self._fault(at, "no-check", "checks nothing", f"add one of {', '.join(every_kind)}")
            return None
        made = [self._make(kind, {key: raw[key] for key in raw if key in keys_of(kind)}, at=at) for kind in present]
        kinds = tuple(filter(None, made))
        if len(kinds) < len(present):
            return None
        common = {key: raw[key] for key in ("within", "every", "become", "become_user") if key in raw}
        return self._make(Verification, {"says": raw.get("says", in_words(kinds)), "kinds": kinds, **common}, at=at)

    def _items(self, raw: Mapping[str, Any], key: str, at: Place) -> list[tuple[Any, Place]]:
        value = raw.get(key, [])
        if not isinstance(value, list):
            if at:  # at the top the model complains
                self._fault((*at, key), "wrong-type", f"`{key}` is a list", "begin each item with a dash")
            return []
        return [(item, (*at, key, index)) for index, item in enumerate(value)]

    def _known(
        self,
        raw: Mapping[str, Any],
        known: Iterable[str],
        at: Place,
        habit: Mapping[str, str],
        kinds: _Kinds = _NO_KINDS,
    ) -> None:
        """Complain about each key of `raw` that is not `known`, and say what was probably meant."""
        for key in raw:
            if key not in (names := sorted(set(known))):
                hint = plugins.why_unknown(key) or habit.get(key) or owners_of(key, kinds) or did_you_mean(key, names)
                hint = hint or f"possible keys are {', '.join(name for name in names if name not in raw)}"
                self._fault((*at, key), "unknown-key", f"unknown key {quoted(key)}", hint)

    def _make(self, model: type[_Model], value: Mapping[str, Any], *, at: Place) -> _Model | None:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            self.findings.extend(located(self.document, error, at=at, model=model))
            return None

    def _fault(self, at: Place, rule: str, message: str, hint: str = "") -> None:
        self.findings.append(self.document.finding(at, rule, message, hint=hint))
