"""What stands in the place of a step in a JSON Schema: a prerequisite, a branch, a step of a drill."""

from collections.abc import Iterable, Mapping
from typing import Any

from runner.library.schema.field_help import DESCRIPTIONS
from runner.model.procedure.drill import OF_PROBES, PHASES
from runner.model.reader import BESIDE, NOT_OF_PREREQUISITES

_ALERT_WITHIN = r"^MON-[0-9]{3,6} within \S+$"
_Schema = dict[str, Any]


def let_branches_hold(definitions: Mapping[str, _Schema], step: _Schema) -> None:
    """Let the branches of a diagnosis hold a `step`, and ask a host as a verification does."""
    for name in ("Branch", "BranchAction"):
        definitions[name]["properties"]["then"] = {
            "description": DESCRIPTIONS[f"{name}.then"],
            "type": "array",
            "minItems": 1,
            "items": step,
        }
        for key in ("capture", "verify"):
            text = DESCRIPTIONS[f"{name}.{key}"]
            definitions[name]["properties"][key] = {**definitions["Step"]["properties"][key], "description": text}
        definitions[name]["oneOf"] = [{"required": [key]} for key in ("then", "run", "stop")]
    definitions["Branch"]["properties"]["if"] = {
        "description": DESCRIPTIONS["Branch.if"],
        "anyOf": [{"type": "string"}, {"$ref": "#/$defs/Verification"}],
    }


def let_drills_hold(definitions: dict[str, _Schema]) -> None:
    """Let the phases of a drill hold steps that leave something out, or one of them; and a probe be a verification."""
    step, look = definitions["Step"], definitions["Verification"]
    definitions["DrillStep"] = {
        "type": "object",
        "description": "A step, of which id, name and verify may be left out; in symptom and proof also a verification",
        "properties": merged([step, look]),
        "additionalProperties": False,
        "allOf": [{"if": {"required": ["verify"]}, "then": without(set(look["properties"]) - set(step["properties"]))}],
    }
    for key in PHASES:
        phase = definitions["Drill"]["properties"][key]
        item = {"$ref": "#/$defs/DrillStep"}
        about = {"description": phase["description"]} if "description" in phase else {}
        definitions["Drill"]["properties"][key] = {**about, "anyOf": [item, {"type": "array", "items": item}]}
    probe = definitions["DrillProbe"]
    own = {key: probe["properties"][key] for key in sorted(OF_PROBES)}
    definitions["Drill"]["properties"]["expect_alert"] = {
        "description": DESCRIPTIONS["Drill.expect_alert"],
        "anyOf": [{"type": "string", "pattern": _ALERT_WITHIN}, {"$ref": "#/$defs/Verification"}],
    }
    asked = {"$ref": "#/$defs/DrillProbe"}
    about = {"description": DESCRIPTIONS["Drill.abort_if"]}
    definitions["Drill"]["properties"]["abort_if"] = {**about, "anyOf": [asked, {"type": "array", "items": asked}]}
    definitions["DrillProbe"] = {**look, "description": probe["description"], "properties": look["properties"] | own}


def prerequisite(step: _Schema, alone: Mapping[str, _Schema]) -> _Schema:
    """What is looked at before the first step, by a machine, or ticked by a person; `alone` needs nothing else."""
    keys = {key: schema for key, schema in step["properties"].items() if key not in NOT_OF_PREREQUISITES}
    return {
        "type": "object",
        "description": "What must hold before the first step; nothing is changed by looking at it",
        "properties": {**alone, **keys},
        "additionalProperties": False,
        "if": {"anyOf": [{"required": [key]} for key in alone]},
        "then": {**without(set(keys) - BESIDE), "oneOf": [{"required": [key]} for key in alone]},
        "else": {"required": ["name", "verify"], "allOf": _only(step["allOf"], keys)},
    }


def _only(rules: Iterable[_Schema], keys: Mapping[str, Any]) -> list[_Schema]:
    """The `rules` of a step, without what they say of keys that are not there."""
    return [
        {**rule, "then": {**rule["then"], **without(set(rule["then"]["properties"]) & set(keys))}} for rule in rules
    ]


def merged(parts: Iterable[_Schema]) -> _Schema:
    """The properties of all `parts`; one that is several things in several parts may be each of them."""
    found: dict[str, list[_Schema]] = {}
    for part in parts:
        for key, schema in part["properties"].items():
            if schema not in (known := found.setdefault(key, [])):
                known.append(schema)
    return {key: schema[0] if len(schema) == 1 else _either(schema) for key, schema in found.items()}


def _either(schemas: list[_Schema]) -> _Schema:
    about = {"description": schemas[0]["description"]} if "description" in schemas[0] else {}
    return {**about, "anyOf": schemas}


def none_of(keys: Iterable[str]) -> _Schema:
    """None of `keys` is there."""
    return {"not": {"anyOf": [{"required": [key]} for key in keys]}}


def without(keys: Iterable[str]) -> _Schema:
    """Each of `keys` is a fault."""
    return {"properties": dict.fromkeys(sorted(keys), False)}
