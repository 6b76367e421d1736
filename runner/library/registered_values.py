"""What kinds take from the registry, and secrets that are named where they are used, in their places in a runbook."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from runner.core.secrets import SecretReference
from runner.kinds import plugins
from runner.kinds.base import Kind
from runner.model.yaml.document import Document, load, read_file
from runner.model.yaml.finding import Finding, InvalidFileError, Place

DIRECTORY = "registry"
"""Where the files of the registry lie, beside the runbooks."""
_LISTS = ("prerequisites", "steps", "on_cancel")
_LONGEST_NAME = 40
_HINT = "an entry says by `source` where it is looked up: {prometheus: URL, data: EXPRESSION}"


@dataclass(frozen=True)
class Registered:
    """What was taken for a runbook: the files of the registry that have it, and the values, by where they stand."""

    files: Mapping[Path, bytes] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def definition(self) -> bytes:
        """The values as a part of what the runbook is made of."""
        return json.dumps(self.values, sort_keys=True).encode() if self.values else b""


def expand(document: Document, directory: Path, note: Callable[[str], None]) -> tuple[Document, Registered]:
    """The runbook in `document` with what its kinds take from the registry in `directory`, which `note` hears of.

    A secret that a kind names by a reference becomes an input of the runbook, so that it is looked up, kept out of
    everything and asked for as any other.

    Raises:
        InvalidFileError: the registry does not say what is needed; every fault is in it.
    """
    completion = _Completion(document, _Registry(directory, note))
    lists = {key: items for key in _LISTS if isinstance(items := document.value.get(key), list)}
    value = document.value | {key: completion.items(items, (key,)) for key, items in lists.items()}
    if completion.findings:
        raise InvalidFileError(sorted(completion.findings))
    if not (completion.values or completion.inputs):
        return document, Registered()
    inputs = value.get("inputs", {})
    if isinstance(inputs, dict):
        value["inputs"] = {**inputs, **{name: made for name, made in completion.inputs.items() if name not in inputs}}
    completed = replace(document, value=value, before=document.written)
    return completed, Registered(completion.registry.used, completion.values)


@dataclass
class _Registry:
    """The entries as they are written, read when the first is looked up; `used` are the files that had one."""

    directory: Path
    note: Callable[[str], None]
    used: dict[Path, bytes] = field(default_factory=dict)
    _files: dict[Path, tuple[bytes, Mapping[str, Any]]] | None = None

    def entry(self, name: str) -> Mapping[str, Any] | None:
        """What is written of `name`."""
        if self._files is None:
            self.note(DIRECTORY)
            self._files = dict(self._read())
        for path, (data, entries) in self._files.items():
            if isinstance(found := entries.get(name), dict):
                self.used[path] = data
                return found
        return None

    def _read(self) -> Iterator[tuple[Path, tuple[bytes, Mapping[str, Any]]]]:
        for path in sorted(self.directory.glob("*.yml")):
            try:
                data = read_file(path, file=str(path))
                yield path, (data, load(data, file=str(path)).value)
            except InvalidFileError:  # of which lint tells
                continue


@dataclass
class _Completion:
    """Puts into each part of a document what its kinds need."""

    document: Document
    registry: _Registry
    findings: list[Finding] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)

    def items(self, items: list[Any], at: Place) -> list[Any]:
        """`items`, each with what it needs."""
        return [self._part(item, (*at, number)) for number, item in enumerate(items)]

    def _part(self, part: Any, at: Place) -> Any:
        """A step, an undo or a verification."""
        if not isinstance(part, dict):
            return part
        made = {key: self._value(kind, part[key], (*at, key)) for key, kind in _kinds_of(part)}
        if isinstance(verify := part.get("verify"), list):
            made["verify"] = self.items(verify, (*at, "verify"))
        if "undo" in part:
            made["undo"] = self._part(part["undo"], (*at, "undo"))
        return {**part, **made}

    def _value(self, kind: type[Kind], written: Any, at: Place) -> Any:
        try:
            value = kind.completed(written, self.registry.entry)
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
    every: Iterator[tuple[str, type[Kind]]] = chain(plugins.steps().items(), plugins.verifications().items())
    return ((key, kind) for key, kind in every if key in part)


def _input_name(reference: str) -> str:
    """`secret_env_dd_api_key` for `env:DD_API_KEY`; what else might be called the same has a number behind it."""
    words = re.sub(r"[^a-z0-9]+", "_", reference.lower()).strip("_")[:_LONGEST_NAME]
    plain = reference.startswith("env:") and reference == reference.upper().replace("ENV:", "env:", 1)
    return f"secret_{words}" if plain else f"secret_{words}_{hashlib.sha256(reference.encode()).hexdigest()[:8]}"
