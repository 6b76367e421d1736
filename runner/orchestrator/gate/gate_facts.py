"""What goes into the description of a question: what is done on a host, who may answer, and by which files."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.approvals.gate_context import HostAction
from runner.compiler.command_preview import in_words
from runner.compiler.segments import Gate
from runner.core.errors import InvalidInputError
from runner.kinds.ansible_yaml import FREE_FORM
from runner.model.contacts import Contact
from runner.model.mentions import mentioned, mentioned_in
from runner.model.names import ITEM, NUMBER
from runner.model.step import Step
from runner.model.verification import Verification
from runner.orchestrator.request import RunRequest


def judged(verification: Verification) -> str:
    """A verification in words, and how it is judged where the words do not say so."""
    return f"{verification.says} [{verification.how}]" if verification.how else verification.says


def members_of(group: str, gate: Gate, contacts: Mapping[str, Contact]) -> tuple[str, ...]:
    """Who may say yes for `group`, which is asked at `gate`.

    Raises:
        InvalidInputError: it has no members.
    """
    contact = contacts.get(group)
    if contact is None or not contact.members:
        message = f"{gate.step.id} must be approved by {group}, of which contacts.yml names no members"
        raise InvalidInputError(message, hint=f"write `members: [LOGIN, ...]` under {group}")
    return tuple(member.lower() for member in contact.members)


_ACTS = frozenset({"approve", "step", "unknown"})
"""What is asked before, or after, a machine acts."""


def acts(gate: Gate) -> bool:
    """Whether the question is about what a machine does, or tells, or another runbook does."""
    return gate.kind in _ACTS and (gate.step.acts or gate.step.by_controller)


def told(step: Step, preview: Mapping[str, Any] | None, contacts: Mapping[str, Contact]) -> Mapping[str, Any] | None:
    """The `preview` of `step`, and whom it tells its message, where it tells one."""
    if step.announces is None or preview is None:
        return preview
    tells = [line for name in step.announces.to for line in _recipients(name, contacts.get(name))]
    message = preview.get("args", {}).get("msg", step.announces.says)
    return {**preview, "module": "announce", "args": {FREE_FORM: message}, "tells": tells}


def _recipients(name: str, contact: Contact | None) -> Iterator[str]:
    """By which channels the contact called `name` is told something."""
    who = f"{name} ({contact.name})" if contact else name
    channels = [channel for channel in (contact.channels if contact else ()) if channel.does("announce")]
    yield from (f"{who} by {channel.destination()}" for channel in channels)
    if not channels:
        yield f"{who}, who has no channel that takes messages"


def action_on(
    address: str, gate: Gate, captured: Mapping[str, Any], preview: Mapping[str, Any] | None, *, on: str = ""
) -> HostAction:
    """What is done at `address`, as far as its `preview` tells; `captured` are the values kept of the host.

    `on` is the machine there, if that is another one than the host.
    """
    names = [*mentioned(gate.step, captured), *mentioned_in([gate.step.undo], captured)]
    uses = {name: captured[name] for name in names}
    if not acts(gate):
        return HostAction(address, captured=uses, on=on)
    asks_before = gate.kind != "unknown"  # whoever says what was done need not know what would be
    if preview is None:
        missing = ("what would be done is not known",) if asks_before else ()
        return HostAction(address, captured=uses, missing=missing, on=on)
    missing = (*preview.get("missing", ()), *_unfollowed(preview)) if asks_before else ()
    connection = preview.get("connection_settings", {})
    call = {key: value for key, value in preview.items() if key not in {"missing", "unfollowed", "connection_settings"}}
    return HostAction(address, connection, in_words(preview), call, uses, missing, on)


def _unfollowed(preview: Mapping[str, Any]) -> Iterator[str]:
    """What of the `preview`, or of the steps of a runbook that does the step, nobody can follow to what it looks at."""
    yield from preview.get("unfollowed", ())
    for inner in (preview.get("steps") or {}).values():
        yield from _unfollowed(inner)


def lacks(missing: Sequence[str]) -> str:
    """Why nobody can approve a step of which is not known what is `missing`, and how to mend that."""
    of_each = any(f"'{name}' is undefined" in missing for name in (ITEM, NUMBER))
    mend = "only a step with `each` has it" if of_each else "give it a value, then resume the run"
    return f"what it would do is not known: {'; '.join(missing)} ({mend})"


def sources(request: RunRequest, *, now: bool) -> dict[str, str]:
    """The SHA-256 of the playbook, each file of the runbook and the inventory's scripts; with `now`, of those on disk.

    What was read when the run began is what it does. That somebody has changed the file since still makes a yes void:
    they may have changed it because of what they saw.
    """
    source = request.source
    here = source.path.parent
    files = {f"runbook file {os.path.relpath(path, here)}": (path, sha256) for path, sha256 in source.files.items()}
    if request.library:
        playbook = request.library.playbook(source)
        texts = {playbook.name: request.playbook, **request.beside}
        for name, text in texts.items():
            files[f"playbook file {name}"] = (playbook.parent / name, hashlib.sha256(text).hexdigest())
    others = {f"inventory script {path}": _sha256(path) for path in _scripts(request.inventories)}
    others |= {f"called runbook's file {path.parent.name}/{path.name}": _sha256(path) for path in _called(request)}
    return {name: _sha256(path) if now else sha256 for name, (path, sha256) in files.items()} | others


def _called(request: RunRequest) -> Iterator[Path]:
    """The files of the runbooks that do steps, and their playbooks; those of what these call in turn as well."""
    waiting, known = [request.source], set[Path]()
    while waiting and request.library:
        for step in waiting.pop().runbook.procedure:
            path = request.source.path.with_name(f"{step.runs.run}.yml") if step.runs else None
            if path and path not in known and path.exists():
                known.add(path)
                source = request.library.source(path.stem)
                yield from (*source.files, request.library.playbook(source))
                waiting.append(source)


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return f"not readable: {error.strerror}"


def _scripts(inventories: Sequence[Path]) -> Iterator[Path]:
    """The files of the inventories that Ansible runs instead of reading them."""
    for inventory in inventories:
        files = sorted(inventory.rglob("*")) if inventory.is_dir() else [inventory]
        yield from (path for path in files if path.is_file() and os.access(path, os.X_OK))
