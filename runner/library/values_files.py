"""The files of `values`, which set variables of a runbook: fixed values, as people maintain them apart from it."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from runner.core.templates import has_template
from runner.library.side_files import RUNBOOKS, SideFiles
from runner.model.names import Name
from runner.model.runbook import Runbook
from runner.model.yaml.document import Document, load
from runner.model.yaml.finding import Finding, InvalidFileError, Place, leaves, quoted

_VAULT = b"$ANSIBLE_VAULT"
_INSTEAD = "keep a secret as an input of type secret, whose default says where it is, like vault:FILE#KEY"


def values_of(document: Document, runbook: Runbook, files: SideFiles) -> dict[str, Any]:
    """What the `values` of `runbook`, which `document` describes, set; `files` has what lies beside it.

    Raises:
        InvalidFileError: a file is not there or has faults, or it sets what has that name already.
    """
    taken = _taken(runbook)
    values: dict[str, Any] = {}
    findings: list[Finding] = []
    for number, name in enumerate(runbook.values or ()):
        path = str(PurePosixPath(RUNBOOKS, name))
        try:
            read = _values(files, path)
        except (ValueError, InvalidFileError) as error:
            place: Place = ("values", number) if ("values", number) in document.marks else ("values",)
            wrong = error.findings if isinstance(error, InvalidFileError) else ()
            findings += wrong or [document.finding(place, "unusable-file", str(error))]
            continue
        for key in read.value.keys() & taken:
            message = f"{quoted(key)} is {taken[key]} already"
            findings.append(read.finding((key,), "duplicate-name", message, hint="one name is one thing"))
        taken |= dict.fromkeys(read.value, f"set in {path}")
        values |= read.value
    if findings:
        raise InvalidFileError(findings)
    return values


def _taken(runbook: Runbook) -> dict[str, str]:
    """Each name that something else of the runbook has, and what that is."""
    names = dict.fromkeys(runbook.inputs, "an input")
    names |= {
        f"{name}_seconds": f"the input {name} in seconds"
        for name, item in runbook.inputs.items()
        if item.type == "duration"
    }
    steps = (*runbook.procedure, *runbook.on_cancel)
    return names | {name: f"captured by {step.id}" for step in steps for name in (*step.capture, *step.choose)}


def _values(files: SideFiles, path: str) -> Document:
    if path in files.faults:
        raise ValueError(files.faults[path])
    data = files.contents[path]
    if data.startswith(_VAULT):
        raise ValueError(f"{path} is encrypted, and what it sets would be written into the playbook; {_INSTEAD}")
    document = load(data, file=path)
    if findings := [*_findings(document)]:
        raise InvalidFileError(findings)
    return document


def _findings(document: Document) -> Iterator[Finding]:
    names: TypeAdapter[str] = TypeAdapter(Name)
    for name in document.value:
        try:
            names.validate_python(name)
        except ValidationError as error:
            message = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
            yield document.finding((name,), "wrong-value", message)
    for place, value in leaves(document.value):
        if isinstance(value, str) and has_template(value):
            message, hint = "is taken as it is written, so templates are not filled in here", "write the value itself"
            yield document.finding(place, "wrong-value", message, hint=hint)
