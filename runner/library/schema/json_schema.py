"""The JSON Schemas of runbooks and of what lies around them, by which editors complete, explain and complain.

They are made of the very models that read the files; what is added here is how the kinds stand among the
other keys of a step, a verification or a contact, as `read` takes them apart.
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from runner.channels.base import Channel
from runner.core import duration
from runner.core.identifiers import REFERENCE_ID
from runner.executor.inventory.project_settings import ProjectSettings
from runner.kinds import plugins
from runner.library.registry.entry_kinds import KINDS, Entry
from runner.library.schema.field_help import DESCRIPTIONS
from runner.library.schema.step_variants import (
    let_branches_hold,
    let_drills_hold,
    merged,
    none_of,
    prerequisite,
    without,
)
from runner.model.contacts import Contact
from runner.model.procedure.decide import Decide
from runner.model.procedure.registry_probes import Criteria
from runner.model.procedure.shared_steps import SharedSteps, Use
from runner.model.reader import ALONE
from runner.model.runbook import Runbook

DIALECT = "http://json-schema.org/draft-07/schema#"
"""The one that every editor knows."""

_Schema = dict[str, Any]


class _Generator(GenerateJsonSchema):
    """Writes defaults as people write them."""

    def encode_default(self, dft: Any) -> Any:
        return duration.show(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def runbook() -> _Schema:
    """The schema of a RUN- file."""
    steps, verifications = plugins.steps(), plugins.verifications()
    ref, definitions = _definitions(Runbook, Use, Decide, Criteria, *steps.values(), *verifications.values())
    actions = {key: definitions[ref(kind)] for key, kind in steps.items()}
    checks = {key: definitions[ref(kind)] for key, kind in verifications.items()}
    _act(definitions["Step"], actions, one=False)
    _act(definitions["Undo"], actions, one=True)
    _judge(definitions["Verification"], checks)
    definitions["Trigger"]["anyOf"] = [{"required": ["alert"]}, {"required": ["event"]}]
    alone = {key: checks[key]["properties"][key] for key in ALONE}
    definitions["Prerequisite"] = prerequisite(definitions["Step"], alone)
    whole = definitions.pop("Runbook")
    step, ticked = {"$ref": "#/$defs/Step"}, {"$ref": "#/$defs/Prerequisite"}
    others = {"steps": _with("decide", "Decide", step), "prerequisites": _with("criteria", "Criteria", ticked)}
    for key in ("steps", "on_cancel", "prerequisites"):
        whole["properties"][key]["items"] = _with("use", "Use", others.get(key, step))
    let_drills_hold(definitions)
    let_branches_hold(definitions, whole["properties"]["steps"]["items"])
    return _finished("A runbook: one RUN- file", whole, definitions)


def contacts() -> _Schema:
    """The schema of `contacts.yml`."""
    channels = plugins.channels()
    ref, definitions = _definitions(Contact, Channel, *channels.values())
    definitions["Channel"] = {
        "type": "object",
        "description": "One way to call a person: one key with what it needs",
        "properties": {
            key: {"$ref": f"#/$defs/{ref(kind)}", "description": definitions[ref(kind)]["description"]}
            for key, kind in channels.items()
        },
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    names = {"type": "object", "patternProperties": {"^[a-z0-9][a-z0-9-]*$": {"$ref": "#/$defs/Contact"}}}
    return _finished("Who owns runbooks and who is called", names, definitions)


def shared() -> _Schema:
    """The schema of a file of shared steps: those of a runbook, in which a parameter may stand for any value."""
    _, made = _definitions(SharedSteps)
    definitions = {name: _or_parameter(definition) for name, definition in runbook()["$defs"].items()} | made
    whole = definitions.pop("SharedSteps")
    whole["properties"]["steps"]["items"] = {"$ref": "#/$defs/Step"}
    return _finished("Shared steps: one file of runbooks/shared/", whole, definitions)


def references() -> _Schema:
    """The schema of the files in `registry/`."""
    ref, definitions = _definitions(Entry, *KINDS.values())
    kinds = {f"^{prefix}-[0-9]{{3,6}}$": {"$ref": f"#/$defs/{ref(kind)}"} for prefix, kind in KINDS.items()}
    other = REFERENCE_ID.replace("^", f"^(?!(?:{'|'.join(KINDS)})-)", 1)
    entries = {"type": "object", "patternProperties": {**kinds, other: {"$ref": f"#/$defs/{ref(Entry)}"}}}
    return _finished("What runbooks link to, by its id", entries, definitions)


def project() -> _Schema:
    """The schema of `runbook.toml`."""
    _, definitions = _definitions(ProjectSettings)
    return _finished("What a library says of itself: runbook.toml", definitions.pop("ProjectSettings"), definitions)


SCHEMAS: Mapping[str, Callable[[], _Schema]] = MappingProxyType(
    {"runbook": runbook, "contacts": contacts, "registry": references, "shared": shared, "project": project}
)
"""What there is a schema for."""


def text(of: str) -> str:
    """The schema of SCHEMAS that is called `of`, as its file has it."""
    return json.dumps(SCHEMAS[of](), indent=1, ensure_ascii=False) + "\n"


def _definitions(*models: type[BaseModel]) -> tuple[Callable[[type[BaseModel]], str], dict[str, _Schema]]:
    """The definitions of `models` and of all they hold, and how the one of a model is called."""
    wanted = list(dict.fromkeys(models))
    named, made = models_json_schema([(model, "validation") for model in wanted], schema_generator=_Generator)
    names = {model: str(schema["$ref"]).removeprefix("#/$defs/") for (model, _), schema in named.items()}
    definitions: dict[str, _Schema] = made["$defs"]
    keys = {names[model]: getattr(model, "key", "") for model in wanted}
    for name, definition in definitions.items():
        _describe(name.rpartition("__")[2], definition, keys.get(name, ""))
    return names.__getitem__, definitions


def _describe(model: str, definition: _Schema, kind: str) -> None:
    """Explain each key of `definition`; the key of a `kind` by what the kind itself says, others by our words."""
    for key, schema in definition.get("properties", {}).items():
        if text := DESCRIPTIONS.get(f"{model}.{key}"):
            schema["description"] = text
        elif key == kind:
            schema.setdefault("description", definition["description"])


def _act(definition: _Schema, actions: Mapping[str, _Schema], *, one: bool) -> None:
    """Let `definition` have the keys of one action in the place of `action`; unless it must be `one`, or of none."""
    properties = definition["properties"]
    del properties["action"]
    definition["required"].remove("action")
    own = set(properties)
    properties |= merged(actions.values())
    foreign = {key: set(properties) - own - set(action["properties"]) for key, action in actions.items()}
    rules = [
        {"if": {"required": [key]}, "then": {**without(foreign[key]), "required": actions[key]["required"]}}
        for key in actions
    ]
    if one:
        definition["anyOf"] = [{"required": [key]} for key in actions]
    else:
        companions = set(properties) - own - set(actions)
        rules.append({"if": none_of(actions), "then": without(companions)})
        definition["required"].remove("verify")
        proven = [key for key, kind in plugins.steps().items() if kind.verifies_itself]
        rules.append({"if": none_of(proven), "then": {"properties": {}, "required": ["verify"]}})
    definition["allOf"] = rules


def _judge(definition: _Schema, checks: Mapping[str, _Schema]) -> None:
    """Let `definition` have the keys of one or several checks in the place of `kinds`."""
    properties = definition["properties"]
    del properties["kinds"]
    definition["required"] = []
    properties |= merged(checks.values())
    definition["anyOf"] = [{"required": [key]} for key in checks]
    definition["allOf"] = [
        {
            "if": none_of(key for key, check in checks.items() if other in check["properties"]),
            "then": without({other}),
        }
        for other in merged(checks.values())
        if other not in checks
    ]


def _or_parameter(definition: _Schema) -> _Schema:
    """`definition`, in which each value may be a template."""
    template = {"type": "string", "pattern": r"\{\{"}
    properties = {
        key: {"description": each.get("description", ""), "anyOf": [each, template]}
        for key, each in definition.get("properties", {}).items()
    }
    return {**definition, "properties": properties} if properties else definition


def _with(key: str, model: str, other: _Schema) -> _Schema:
    """A `model` where that `key` is there, else the `other`."""
    return {"if": {"required": [key]}, "then": {"$ref": f"#/$defs/{model}"}, "else": other}


def _finished(title: str, whole: _Schema, definitions: Mapping[str, _Schema]) -> _Schema:
    """One schema, with the definitions that it uses and nothing that only pydantic needs."""
    whole = {"$schema": DIALECT, "title": title, **{key: schema for key, schema in whole.items() if key != "title"}}
    whole.setdefault("additionalProperties", False)
    used: dict[str, Any] = {}
    waiting = _named(whole)
    while waiting:
        name = waiting.pop()
        if name not in used:
            used[name] = definitions[name]
            waiting += _named(definitions[name])
    finished: _Schema = _tidy({**whole, "$defs": {name: used[name] for name in sorted(used)}})
    return finished


def _named(value: Any) -> list[str]:
    if isinstance(value, dict):
        here = [str(value["$ref"]).removeprefix("#/$defs/")] if "$ref" in value else []
        return here + [name for item in value.values() for name in _named(item)]
    return [name for item in value for name in _named(item)] if isinstance(value, list) else []


def _tidy(value: Any, *, names: bool = False) -> Any:
    """`value` as the dialect has it; where its keys are `names`, none of them is a keyword."""
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if not isinstance(value, dict):
        return value
    within = {"properties", "patternProperties", "$defs"}
    made = {key: _tidy(item, names=not names and key in within) for key, item in value.items()}
    if names:
        return made
    if isinstance(value.get("title"), str) and "$schema" not in value:
        del made["title"]
    if value.get("default", ...) in (None, [], {}):
        del made["default"]
    if value.get("type") == "array" and "maxLength" in value:
        made["maxItems"] = made.pop("maxLength")
    if "description" in value:
        made["description"] = "\n\n".join(" ".join(schema.split()) for schema in value["description"].split("\n\n"))
    if "patternProperties" in value:
        made["additionalProperties"] = False
    # Beside a reference this dialect sees nothing.
    return {"allOf": [{"$ref": made.pop("$ref")}], **made} if "$ref" in value and len(made) > 1 else made
