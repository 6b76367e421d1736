"""From a checked YAML document to a Runbook: each step and verification by the key it is written with."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from runner.model.checks import ansible_hints, controller_lookups
from runner.model.checks.cross_checks import STAND_IN, STAND_IN_STEP, faults
from runner.model.checks.written_step import WrittenStep, with_env
from runner.model.procedure.drill_reader import read_drills
from runner.model.procedure.rollback_triggers import Rollback, RollbackTrigger
from runner.model.procedure.step_reader import StepReader
from runner.model.runbook import Runbook
from runner.model.step import Step
from runner.model.verification import Verification
from runner.model.yaml.document import Document
from runner.model.yaml.finding import MAX_FINDINGS, InvalidFileError, Place

_RUNBOOK_KEYS = frozenset(Runbook.model_fields)
NOT_OF_PREREQUISITES = (
    *("id", "effect", "on_failure", "undo", "approve", "choose", "auto", "reversible", "idempotent"),
    *("announce", "run", "role", "tasks"),  # nobody sees from here that they only look
)
ALONE = ("confirm", "oncall")
"""The verifications that are a prerequisite without another word."""
BESIDE = frozenset({"name", "why", "hosts"})
"""The keys that such a prerequisite may have besides."""

# What stands for an escalation that calls nobody.
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
    probe = reader.verification({key: part for key, part in raw.items() if key != "hosts"}, at)
    if probe is None or reader.findings:
        raise InvalidFileError(sorted(set(reader.findings)))
    return probe


class _RunbookReader(StepReader):
    """Reads a whole runbook."""

    def runbook(self) -> Runbook | None:
        value = self.document.value
        prerequisites = [
            WrittenStep(at, item, self._prerequisite(item, number, at))
            for number, (item, at) in enumerate(self.written(value, "prerequisites"), 1)
        ]
        steps, on_cancel = self.steps(value, "steps"), self.steps(value, "on_cancel")
        looks, triggers = self._triggers(value)
        known = {key: item for key, item in value.items() if key in _RUNBOOK_KEYS}
        self.known(value, _RUNBOOK_KEYS, (), ansible_hints.RUNBOOK)
        for key, written in (("prerequisites", prerequisites), ("steps", steps), ("on_cancel", on_cancel)):
            if isinstance(known.get(key), list):
                known[key] = tuple(each.step or STAND_IN_STEP for each in written)
        known["escalation"] = self._escalation(value)
        if "drill" in value:
            known["drill"] = read_drills(self, value)
        known |= {"watch": triggers} if "watch" in known else {}
        for fault in faults(value, prerequisites, steps, on_cancel, looks):
            self.fault(*fault)
        for place, message in controller_lookups.faults(value):
            self.fault(place, "controller-lookup", message, controller_lookups.HINT)
        return self.make(Runbook, known, at=())

    def _escalation(self, value: Mapping[str, Any]) -> Any:
        """What is written; a stand-in where nobody is called, which is told here and in words of its own."""
        raw = value.get("escalation")
        if not raw:
            hint = "say when, whom and with what: {when: [step_failed], contacts: [on-call], provide: [timeline]}"
            at: Place = ("escalation",) if "escalation" in value else ()
            self.fault(at, "no-escalation", "nobody is called, whatever happens: `escalation` is missing", hint)
            return dict(_NOBODY)
        if not isinstance(raw, dict):
            return raw
        for key in (key for key in ("when", "contacts") if raw.get(key) in (None, [])):
            at = ("escalation", key) if key in raw else ("escalation",)
            self.fault(at, "no-escalation", f"nobody is called, whatever happens: it has nothing in `{key}`")
            raw = {**raw, key: _NOBODY[key]}
        return raw

    def _triggers(self, value: Mapping[str, Any]) -> tuple[list[WrittenStep], tuple[RollbackTrigger, ...]]:
        """The rollback triggers that are watched: how each is looked at, and what follows."""
        looks, triggers = list[WrittenStep](), list[RollbackTrigger]()
        for item, at in self.items(value, "watch", ()):
            if not (isinstance(item, dict) and isinstance(rollback := item.get("rollback"), Rollback)):
                self.fault(at, "wrong-type", "must be the id of an entry with a rollback trigger, like DEP-006")
                continue
            raw = with_env(item["step"], value.get("env"))
            looks.append(WrittenStep((*at, "step"), raw, step := self.step(raw, (*at, "step"))))
            about = {"id": item["entry"], "says": rollback.trigger, "every": rollback.every, "auto": rollback.auto}
            made = (
                step
                and STAND_IN not in step.verify
                and self.make(RollbackTrigger, {**about, "step": step, "to": rollback.to}, at=at)
            )
            triggers += [made] if made else []
        return looks, tuple(triggers)

    def _prerequisite(self, raw: Any, number: int, at: Place) -> Step | None:
        if not isinstance(raw, dict):
            self.fault(at, "wrong-type", "a prerequisite is a mapping with `confirm`, or with a probe and `verify`")
            return None
        fixed = {"id": f"prerequisite-{number}", "effect": "read", "on_failure": "stop"}
        if alone := next((key for key in ALONE if key in raw), ""):
            return self._alone(raw, alone, fixed, at)
        for key in raw.keys() & set(NOT_OF_PREREQUISITES):
            message = f"a prerequisite has no `{key}`: it only looks, and the run stops where it is not met"
            self.fault((*at, key), "unknown-key", message)
        rest = {key: item for key, item in raw.items() if key not in NOT_OF_PREREQUISITES}
        return self.step({**rest, **fixed}, at, "this prerequisite")

    def _alone(self, raw: dict[str, Any], key: str, fixed: dict[str, str], at: Place) -> Step | None:
        habit = {"verify": f"`{key}` is what is verified; write one prerequisite for each"}
        self.known(raw, BESIDE | {key}, at, habit)
        found = self.verification({key: raw[key]}, at)
        if found is None:
            return None
        about = {key: item for key, item in raw.items() if key in {"why", "hosts"}}
        value = {"name": raw.get("name", found.says), **about, **fixed, "action": None, "verify": (found,)}
        return self.make(Step, value, at=at)
