"""What kinds take from the registry, and secrets that are named where they are used, in their places in a runbook."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from runner.core.deferred import dataclass
from runner.core.secrets import SecretReference
from runner.kinds import plugins
from runner.kinds.base import Kind, ReadEntry
from runner.model.yaml.document import Document
from runner.model.yaml.finding import Finding, InvalidFileError, Place

_LISTS = ("prerequisites", "steps", "on_cancel", "watch")
_OF_DRILLS = ("probe", "inject", "symptom", "proof", "undo", "abort_if", "expect_alert")
_LONGEST_NAME = 40
_HINT = "an entry says by `source` where it is looked up: {prometheus: URL, data: EXPRESSION}"


def expand(document: Document, entry: ReadEntry) -> tuple[Document, Mapping[str, Any]]:
    """The runbook in `document` with what its kinds take from the registry, whose entries `entry` gives, and that.

    A secret that a kind names by a reference becomes an input of the runbook, so that it is looked up, kept out of
    everything and asked for as any other.

    Raises:
        InvalidFileError: the registry does not say what is needed; every fault is in it.
    """
    completion = _Completion(document, entry)
    lists = {key: items for key in _LISTS if isinstance(items := document.value.get(key), list)}
    value = document.value | {key: completion.items(items, (key,)) for key, items in lists.items()}
    value |= {"drill": completion.drills(items)} if isinstance(items := value.get("drill"), list) else {}
    if completion.findings:
        raise InvalidFileError(sorted(completion.findings))
    if not (completion.values or completion.inputs):
        return document, {}
    inputs = value.get("inputs", {})
    if isinstance(inputs, dict):
        value["inputs"] = {**inputs, **{name: made for name, made in completion.inputs.items() if name not in inputs}}
    return replace(document, value=value, before=document.written), completion.values


@dataclass
class _Completion:
    """Puts into each part of a document what its kinds need."""

    document: Document
    entry: ReadEntry
    findings: list[Finding] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)

    def items(self, items: list[Any], at: Place) -> list[Any]:
        """`items`, each with what it needs."""
        return [self._part(item, (*at, number)) for number, item in enumerate(items)]

    def drills(self, drills: list[Any]) -> list[Any]:
        """`drills`, each with what its steps and its questions need."""
        return [self._drill(drill, ("drill", number)) for number, drill in enumerate(drills)]

    def _drill(self, drill: Any, at: Place) -> Any:
        if not isinstance(drill, dict):
            return drill
        made = {key: self.items(items, (*at, key)) for key in _OF_DRILLS if isinstance(items := drill.get(key), list)}
        made |= {key: self._part(drill[key], (*at, key)) for key in _OF_DRILLS if isinstance(drill.get(key), dict)}
        return {**drill, **made}

    def _part(self, part: Any, at: Place) -> Any:
        """A step, an undo, a verification, or a rollback trigger with its step."""
        if not isinstance(part, dict):
            return part
        made = {key: self._value(kind, part[key], (*at, key)) for key, kind in _kinds_of(part)}
        if isinstance(verify := part.get("verify"), list):
            made["verify"] = self.items(verify, (*at, "verify"))
        nested = {kind.nested for _, kind in _kinds_of(part)}
        for key in {"undo", "step", *nested} & part.keys():
            made[key] = self._part(part[key], (*at, key))
        return {**part, **made}

    def _value(self, kind: type[Kind], written: Any, at: Place) -> Any:
        try:
            value = kind.completed(written, self.entry)
        except ValueError as error:
            self.findings.append(self.document.finding(at, "no-source", str(error), hint=_HINT))
            return written
        if value is not written:
            self.values[".".join(map(str, at))] = value
        if not isinstance(value, dict):
            return value
        return {**value, **{key: self._secret(value[key]) for key in kind.secrets if key in value}}

    def _secret(self, written: Any) -> Any:
        """The template of the input that stands for the secret, where a reference is `written`."""
        if not isinstance(written, str):
            return written
        try:
            reference = str(SecretReference.parse(written))
        except ValueError:
            return written  # the kind itself complains, if it has to
        name = _input_name(reference)
        self.inputs[name] = {"type": "secret", "default": reference, "help": "A secret that a step names"}
        return f"{{{{ {name} }}}}"


def _kinds_of(part: Mapping[str, Any]) -> Iterator[tuple[str, type[Kind]]]:
    groups: tuple[Mapping[str, type[Kind]], ...] = (plugins.steps(), plugins.verifications())
    return ((key, group[key]) for group in groups for key in part if key in group)


def _input_name(reference: str) -> str:
    """`secret_env_dd_api_key` for `env:DD_API_KEY`; what else might be called the same has a number behind it."""
    words = re.sub(r"[^a-z0-9]+", "_", reference.lower()).strip("_")[:_LONGEST_NAME]
    plain = reference.startswith("env:") and reference == reference.upper().replace("ENV:", "env:", 1)
    return f"secret_{words}" if plain else f"secret_{words}_{hashlib.sha256(reference.encode()).hexdigest()[:8]}"
