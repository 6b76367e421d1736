"""Steps and verifications as they are written, each read by the key it is written with."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from runner.kinds import plugins
from runner.kinds.plugins import all_keys, keys_of, owners_of
from runner.kinds.steps.base import KEYS_OF_STEPS, StandInStep, StepKind
from runner.kinds.verifications.base import KEYS_OF_VERIFICATIONS, VerificationKind
from runner.model.checks import ansible_hints
from runner.model.checks.cross_checks import STAND_IN
from runner.model.checks.written_step import WrittenStep, with_env
from runner.model.step import BranchLabel, RegistryCriterion, Step, Undo
from runner.model.verification import Verification, in_words
from runner.model.yaml.document import Document, located
from runner.model.yaml.finding import Finding, Place, did_you_mean, quoted

_Model = TypeVar("_Model", bound=BaseModel)
_Kinds = Mapping[str, type[StepKind]] | Mapping[str, type[VerificationKind]]

_NO_KINDS: Mapping[str, type[StepKind]] = MappingProxyType({})

PROVES_ITSELF: Mapping[str, Any] = MappingProxyType({"verify": [{"says": "It exits with status 0", "exit": 0}]})
"""How something is verified that fails by itself unless all of it is done."""

LABELS: Mapping[str, type] = MappingProxyType({"branch": BranchLabel, "criterion": RegistryCriterion})
"""What a step is marked with that stands in the place of something else; nobody can write it."""

# What stands for an action that has faults of its own, so that the rest of the step is still checked.
_ACTION = StandInStep()


class StepReader:
    """Walks one document and collects every fault before anybody complains."""

    def __init__(self, document: Document) -> None:
        """Read parts of `document`; the faults that are found go to `findings`."""
        self.document = document
        self.findings: list[Finding] = []

    def steps(self, value: Mapping[str, Any], key: str, at: Place = ()) -> list[WrittenStep]:
        """The steps under `key`, as they are written and as they are read."""
        return [WrittenStep(place, item, self.step(item, place)) for item, place in self.written(value, key, at)]

    def written(self, value: Mapping[str, Any], key: str, at: Place = ()) -> list[tuple[Any, Place]]:
        """The steps under `key`, as they are meant."""
        return [(with_env(item, value.get("env")), place) for item, place in self.items(value, key, at)]

    def step(self, raw: Any, at: Place, whose: str = "this step") -> Step | None:
        """The step that `raw` is; None, and what is wrong is among the findings, where it is none."""
        if not isinstance(raw, dict):
            self.fault(at, "wrong-type", "a step is a mapping with `id`, `name`, an action and `verify`")
            return None
        kinds = plugins.steps()
        labels = {key: raw[key] for key, label in LABELS.items() if isinstance(raw.get(key), label)}
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
            rest["undo"] = Undo(action=action.undone_by, verify=self._verifications(PROVES_ITSELF, at, "its undo"))
        if not acts or (action and action.touches_nothing):
            rest.setdefault("effect", "read")
        # An unknown key is most likely an action that is misspelled.
        return self.make(Step, {**rest, "action": action or (_ACTION if acts or strange else None)}, at=at)

    def _keys_of_step(self, raw: Mapping[str, Any], action: StepKind | None, at: Place, *, acts: bool) -> bool:
        """Complain about the keys that a step does not have; whether there are any."""
        kinds = plugins.steps()
        known = KEYS_OF_STEPS | (keys_of(type(action)) if action else all_keys(kinds))
        strange = [key for key in raw if key not in known and key not in all_keys(kinds)]
        self.known(raw, known, at, ansible_hints.STEP, kinds)
        if not (acts or strange):
            for key in raw.keys() & (all_keys(kinds) - KEYS_OF_STEPS):
                self.fault((*at, key), "unknown-key", f"unknown key {quoted(key)}", owners_of(key, kinds))
        return bool(strange)

    def _action(self, raw: Mapping[str, Any], at: Place) -> StepKind | None:
        kinds = plugins.steps()
        keys = [key for key in raw if key in kinds]
        if len(keys) != 1:
            hint = f"add one of {', '.join(kinds)}" if not keys else "write one step for each"
            message = f"has {len(keys)} actions, {' and '.join(keys)}" if keys else "does nothing"
            self.fault(at, "one-action", message, hint)
            return None
        kind = kinds[keys[0]]
        return self.make(kind, {key: raw[key] for key in raw if key in keys_of(kind)}, at=at)

    def _undo(self, raw: dict[str, Any], at: Place) -> Undo | None:
        kinds = plugins.steps()
        strange = [key for key in raw if key not in all_keys(kinds) | {"verify"}]
        action = self._action(raw, at) if raw.keys() & kinds.keys() or not strange else None
        known = {"verify"} | (keys_of(type(action)) if action else all_keys(kinds))
        self.known(raw, known, at, ansible_hints.STEP, kinds)
        verify = self._verifications(raw, at, "the undo")
        return self.make(Undo, {"action": action or _ACTION, "verify": verify}, at=at)

    def _verifications(self, raw: Mapping[str, Any], at: Place, whose: str) -> tuple[Verification, ...]:
        if "verify" not in raw and any(kind.verifies_itself for key, kind in plugins.steps().items() if key in raw):
            return ()
        if not raw.get("verify"):
            hint = "say how one sees that it worked"
            self.fault(at, "no-verification", f"{whose} has no `verify`", hint)
            return (STAND_IN,)
        verifications = [self.verification(item, place) for item, place in self.items(raw, "verify", at)]
        return tuple(each or STAND_IN for each in verifications) or (STAND_IN,)

    def verification(self, raw: Any, at: Place) -> Verification | None:
        """The verification that `raw` is; None, and what is wrong is among the findings, where it is none."""
        if not isinstance(raw, dict):
            message = "a verification is a mapping with what is looked at and what must hold"
            self.fault(at, "wrong-type", message, "like {exit: 0} or {that: rc == 0}")
            return None
        every_kind = plugins.verifications()
        present = [kind for key, kind in every_kind.items() if key in raw]
        known = {*KEYS_OF_VERIFICATIONS, *every_kind}.union(*map(keys_of, present))
        self.known(raw, known, at, ansible_hints.VERIFICATION, every_kind)
        if not present:
            if raw.keys() <= known:
                self.fault(at, "no-check", "checks nothing", f"add one of {', '.join(every_kind)}")
            return None
        made = [self.make(kind, {key: raw[key] for key in raw if key in keys_of(kind)}, at=at) for kind in present]
        kinds = tuple(filter(None, made))
        if len(kinds) < len(present):
            return None
        common = {key: raw[key] for key in ("within", "every", "become", "become_user") if key in raw}
        return self.make(Verification, {"says": raw.get("says", in_words(kinds)), "kinds": kinds, **common}, at=at)

    def items(self, raw: Mapping[str, Any], key: str, at: Place) -> list[tuple[Any, Place]]:
        """The items of the list under `key`, each with its place."""
        value = raw.get(key, [])
        if not isinstance(value, list):
            if at:  # at the top the model complains
                self.fault((*at, key), "wrong-type", f"`{key}` is a list", "begin each item with a dash")
            return []
        return [(item, (*at, key, index)) for index, item in enumerate(value)]

    def known(
        self,
        raw: Mapping[str, Any],
        known: Iterable[str],
        at: Place,
        habit: Mapping[str, str],
        kinds: _Kinds = _NO_KINDS,
    ) -> None:
        """Complain about each key of `raw` that is not `known`, and say what was probably meant."""
        possible = set(known)
        for key in raw:
            if key not in possible:
                names = sorted(possible)
                hint = plugins.why_unknown(key) or habit.get(key) or owners_of(key, kinds) or did_you_mean(key, names)
                hint = hint or f"possible keys are {', '.join(name for name in names if name not in raw)}"
                self.fault((*at, key), "unknown-key", f"unknown key {quoted(key)}", hint)

    def make(self, model: type[_Model], value: Mapping[str, Any], *, at: Place) -> _Model | None:
        """The `model` with what is in `value`; None, and what is wrong is among the findings, where it does not fit."""
        try:
            return model.model_validate(value)
        except ValidationError as error:
            self.findings.extend(located(self.document, error, at=at, model=model))
            return None

    def fault(self, at: Place, rule: str, message: str, hint: str = "") -> None:
        """Add a finding."""
        self.findings.append(self.document.finding(at, rule, message, hint=hint))
