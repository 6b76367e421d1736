"""The drills of a runbook: what is written is completed, and then read like a procedure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from runner.kinds import plugins
from runner.kinds.plugins import keys_of
from runner.kinds.verifications.base import VerificationKind
from runner.model.checks.cross_checks import STAND_IN_STEP, faults
from runner.model.procedure.drill import OF_PROBES, PHASES, Drill, DrillProbe
from runner.model.procedure.step_reader import PROVES_ITSELF, StepReader
from runner.model.yaml.document import Document, Origin
from runner.model.yaml.finding import Place

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "inject": "Break the system",
        "symptom": "See that it is broken",
        "proof": "See that nothing is lost",
        "undo": "Take back what was changed for the drill",
    }
)
"""What a step is called that has no name, by its phase."""

_ONLY_LOOK = frozenset({"symptom", "proof"})
_OF_LOOKS = frozenset({"id", "name", "why", "hosts", "on"})
"""The keys of a step that may stand beside those of a verification that is a step by itself."""

_Item = tuple[Any, Place]


def expand(document: Document) -> Document:
    """The runbook in `document` with a list of drills whose steps are complete; it may have faults.

    A mapping is a list of one, and a step may leave out what everybody can fill in.
    """
    if "drill" not in document.value:
        return document
    drills, origins = [], dict(document.origins)
    for number, (raw, at) in enumerate(_items(document.value["drill"], ("drill",))):
        to: Place = ("drill", number)
        origins[to] = document.origin(at)
        drills.append(_drill(raw, at, to, document, origins) if isinstance(raw, dict) else raw)
    value = {**document.value, "drill": drills}
    return replace(document, value=value, origins=origins, before=document.written)


def _items(raw: Any, at: Place) -> list[_Item]:
    """The items of a list with their places; what is no list is its only item."""
    return [(item, (*at, number)) for number, item in enumerate(raw)] if isinstance(raw, list) else [(raw, at)]


def _drill(
    raw: Mapping[str, Any], at: Place, to: Place, document: Document, origins: dict[Place, Origin]
) -> dict[str, Any]:
    asked = dict(_asked(raw.get("probe")))
    made = dict(raw)
    if isinstance(alert := raw.get("expect_alert"), str):
        name, _, within = alert.partition(" within ")
        made["expect_alert"] = {"says": f"{name} fires", "alert_firing": name.strip(), "within": within.strip()}
    for phase in PHASES:
        if phase not in raw:
            continue
        items = _items(raw[phase], (*at, phase))
        made[phase] = []
        for number, (item, place) in enumerate(items):
            step_id = phase if len(items) == 1 else f"{phase}{number + 1}"  # "undo-1" may be the undo of a step
            whole = _complete(item, phase, step_id, asked) if isinstance(item, dict) else item
            origins[*to, phase, number] = document.origin(place)
            if isinstance(item, dict) and "verify" not in item:
                origins[*to, phase, number, "verify", 0] = document.origin(place)
            made[phase].append(whole)
    return made


def _asked(probe: Any) -> Iterator[tuple[str, Any]]:
    """The keys of the `probe` that say what is asked, and not what is a good answer."""
    if isinstance(probe, dict):
        asking = [kind for key, kind in plugins.verifications().items() if key in probe and _asks(kind)]
        known = {key for kind in asking for key in keys_of(kind)} | {"become", "become_user"}
        yield from ((key, item) for key, item in probe.items() if key in known - OF_PROBES)


def _asks(kind: type[VerificationKind]) -> bool:
    return kind.probe is not VerificationKind.probe


def _complete(raw: Mapping[str, Any], phase: str, step_id: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The step `raw` of a `phase`, with an id, a name and a verification where it has none.

    One that only looks may be a verification by itself, and if that asks nothing, judge what the probe is `asked`.
    """
    about = {"id": step_id, "name": raw.get("says", _NAMES[phase])}
    about |= {"effect": "read"} if phase in _ONLY_LOOK else {}
    looks = [kind for key, kind in plugins.verifications().items() if key in raw]
    ends = [kind for key, kind in plugins.steps().items() if key in raw and kind.text == "stdout"]
    if "verify" in raw or phase not in _ONLY_LOOK or (ends and not looks):
        return {**about, **(PROVES_ITSELF if ends else {}), **raw}
    beside = {key: item for key, item in raw.items() if key in _OF_LOOKS}
    look = {key: item for key, item in raw.items() if key not in _OF_LOOKS}
    if ends and not any(map(_asks, looks)):  # a script whose output is judged by what stands beside it
        action = {key: item for key, item in look.items() if key not in {kind.key for kind in looks} | {"says"}}
        look = {key: item for key, item in look.items() if key not in action}
        return {**about, **beside, **action, "verify": [look]}
    return {**about, **beside, "verify": [look if any(map(_asks, looks)) else {**asked, **look}]}


def read_drills(reader: StepReader, runbook: Mapping[str, Any]) -> tuple[Drill, ...]:
    """The drills of the `runbook`."""
    drills = [_read(reader, runbook, item, at) for item, at in _items(runbook["drill"], ("drill",))]
    return tuple(each for each in drills if each is not None)


def _read(reader: StepReader, runbook: Mapping[str, Any], raw: Any, at: Place) -> Drill | None:
    """One of them; its steps are checked as if they were a procedure of their own."""
    if not isinstance(raw, dict):
        reader.fault(at, "wrong-type", "a drill is a mapping with `probe`, `inject`, `symptom`, `proof` and `undo`")
        return None
    reader.known(raw, Drill.model_fields, at, {})
    phases = {**raw, "env": runbook.get("env")}
    written = {phase: reader.steps(phases, phase, at) for phase in PHASES if phase in raw}
    whole = {key: runbook[key] for key in ("id", "inputs") if key in runbook}
    for fault in faults(whole, (), [step for steps in written.values() for step in steps], ()):
        reader.fault(*fault)
    known = {key: item for key, item in raw.items() if key in Drill.model_fields}
    known |= {phase: tuple(each.step or STAND_IN_STEP for each in steps) for phase, steps in written.items()}
    if "abort_if" in raw:
        looks = [_probe(reader, item, place) for item, place in _items(raw["abort_if"], (*at, "abort_if"))]
        known["abort_if"] = tuple(filter(None, looks))
    if "expect_alert" in raw:
        known["expect_alert"] = reader.verification(raw["expect_alert"], (*at, "expect_alert"))
    if "probe" in raw:
        known["probe"] = _probe(reader, raw["probe"], (*at, "probe"))
        if known["probe"] is None:
            return None
    return reader.make(Drill, known, at=at)


def _probe(reader: StepReader, raw: Any, at: Place) -> DrillProbe | None:
    if not isinstance(raw, dict):
        reader.fault(at, "wrong-type", "a probe is a mapping with `http`, `command` or `sql`")
        return None
    look = reader.verification({key: item for key, item in raw.items() if key not in OF_PROBES}, at)
    if look is None:
        return None
    return reader.make(DrillProbe, {"look": look, **{key: raw[key] for key in OF_PROBES & raw.keys()}}, at=at)
