"""Puts the description of a question together from what a run knows when it asks, and knows again before it acts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.approvals.gate_context import GateContext, HostAction
from runner.compiler.command_preview import in_words
from runner.compiler.segments import Gate
from runner.core.errors import InvalidInputError
from runner.model.contacts import Contact
from runner.model.mentions import mentioned
from runner.model.runbook import Runbook
from runner.model.verification import Verification
from runner.orchestrator.request import RunRequest


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run knows of itself. `previews` has what each step would do on each host, as the callback plugin says it.

    `sources` has the SHA-256 of each file that decides what is done. `asks_people` says that no machine may answer,
    `four_eyes` and `shared_account` what is demanded of who answers.
    """

    run: str
    runbook: Runbook
    environment: str
    starters: tuple[str, ...]
    reason: str
    inputs: Mapping[str, Any]
    captured: Mapping[str, Mapping[str, Any]]
    previews: Mapping[str, Mapping[str, Mapping[str, Any]]]
    addresses: Mapping[str, str]
    contacts: Mapping[str, Contact]
    sources: Mapping[str, str] = field(default_factory=dict)
    asks_people: bool = True
    four_eyes: bool = False
    shared_account: bool = False


def describe(gate: Gate, hosts: Sequence[str], facts: RunFacts) -> GateContext:
    """The description of `gate` about `hosts`.

    Raises:
        InvalidInputError: it is for a group of which nobody is a member.
    """
    step, runbook = gate.step, facts.runbook
    asks = gate.kind == "approve" and facts.asks_people  # where a machine may answer, it does
    approval = step.approve if asks else None
    group = (approval.group or "") if approval else ""
    return GateContext(
        run=facts.run,
        runbook=runbook.id,
        title=runbook.title,
        gate=gate.id,
        kind=gate.kind,
        step=step.id,
        name=step.name,
        text=gate.text,
        environment=facts.environment,
        starters=facts.starters,
        hosts={host: _action(gate, host, facts) for host in hosts},
        why=step.why or "",
        effect="" if step.manual or not step.action else str(step.effect),
        crossing=step.point_of_no_return,
        undo=step.undo.action.describe() if step.undo else "",
        reason=facts.reason,
        verifications=tuple(map(_judged, step.verify)),
        inputs=dict(facts.inputs),
        min=approval.min if approval else 1,
        group=group,
        members=_members(gate, group, facts) if group else (),
        four_eyes=asks and facts.four_eyes,
        shared_account=facts.shared_account,
        expires=approval.expires.total_seconds() if approval else None,
        sources=dict(facts.sources),
    )


def _judged(verification: Verification) -> str:
    """A verification in words, and how it is judged where the words do not say so."""
    how = "; ".join(kind.describe() for kind in verification.kinds)
    return verification.says if verification.says == how else f"{verification.says} [{how}]"


def _members(gate: Gate, group: str, facts: RunFacts) -> tuple[str, ...]:
    contact = facts.contacts.get(group)
    if contact is None or not contact.members:
        message = f"{gate.step.id} must be approved by {group}, of which contacts.yml names no members"
        raise InvalidInputError(message, hint=f"write `members: [LOGIN, ...]` under {group}")
    return tuple(member.lower() for member in contact.members)


_ACTS = frozenset({"approve", "step", "unknown"})
"""What is asked before, or after, a machine acts."""


def acts(gate: Gate) -> bool:
    """Whether the question is about what a machine does."""
    return gate.kind in _ACTS and gate.step.action is not None and not gate.step.manual


def _action(gate: Gate, host: str, facts: RunFacts) -> HostAction:
    captured = facts.captured.get(host, {})
    uses = {name: captured[name] for name in mentioned(gate.step, captured)}
    address = facts.addresses.get(host, host)
    preview = facts.previews.get(gate.step.id, {}).get(host)
    if not acts(gate):
        return HostAction(address, captured=uses)
    if preview is None:
        return HostAction(address, captured=uses, missing=("what would be done is not known",))
    missing = tuple(preview.get("missing", ())) if gate.kind != "unknown" else ()
    connection = preview.get("connection_settings", {})
    call = {key: value for key, value in preview.items() if key not in {"missing", "connection_settings"}}
    return HostAction(address, connection, in_words(preview), call, uses, missing)


def sources(request: RunRequest, *, now: bool) -> dict[str, str]:
    """The SHA-256 of the runbook, the playbook and the inventory's scripts; with `now`, as they are on disk by now.

    What was read when the run began is what it does. That somebody has changed the file since still makes a yes void:
    they may have changed it because of what they saw.
    """
    source = request.source
    files = {f"runbook file {source.path.name}": (source.path, source.sha256)}
    if request.library:
        playbook = request.library.playbook(source)
        files[f"playbook file {playbook.name}"] = (playbook, hashlib.sha256(request.playbook).hexdigest())
    scripts = {f"inventory script {path}": _sha256(path) for path in _scripts(request.inventories)}
    return {name: _sha256(path) if now else sha256 for name, (path, sha256) in files.items()} | scripts


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
