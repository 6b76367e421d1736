"""What is asked of a run, what surrounds it, and how it ended."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from runner.approvals.gate_context import GateContext
from runner.compiler.segments import Gate
from runner.core.errors import ExitCode, InvalidInputError
from runner.core.events import Clock, Listener, Outcome
from runner.core.redaction import Redaction
from runner.executor.job import Cancellation
from runner.library.library import Library, Source
from runner.model.contacts import Contact
from runner.store.log.envelope import Actor
from runner.store.next_command import WayOn
from runner.store.state_directory import StateDirectory

Mode = Literal["run", "step", "auto", "dry-run", "preflight"]
"""Whether people are asked at the gates only, before each step, or not at all; a dry run only looks.

A preflight only looks at what must hold before the first step.
"""


@dataclass(frozen=True)
class Request:
    """What somebody asked for: the runbook, the reviewed playbook, the inventories, and the inputs with their types.

    Of a secret, `inputs` has where it is and `secrets` what it is; `hidden` are secrets of the runs before in the tree.
    Nothing that is written, sent or shown may hold one of these.
    `reason` is why, `environment` the class that somebody has named in advance, `break_glass` why the guards are to be
    gone past, `wait` for how many seconds it waits for whoever holds its hosts, `parent` the run that handed over
    to this one, and `tree` the first of them all. `library` is where a runbook that takes over is found.
    `named` is what somebody has named with --limit, where the run that handed over has set `limit`.
    """

    run_id: str
    source: Source
    playbook: bytes
    contacts: Mapping[str, Contact]
    inventories: Sequence[Path]
    limit: str | None = None
    named: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)
    mode: Mode = "run"
    reason: str = ""
    environment: str = ""
    break_glass: str = ""
    wait: float = 0.0
    parent: str = ""
    tree: str = ""
    library: Library | None = None

    def redaction(self) -> Redaction:
        """What keeps the secrets out of all that is written, sent or shown."""
        return Redaction((*self.hidden, *self.secrets.values()))

    def masked(self) -> Request:
        """The same, without a secret in what somebody has written to be read.

        Raises:
            InvalidInputError: an input that is written down as it is holds a secret.
        """
        redaction = self.redaction()
        if holding := [name for name, value in self.inputs.items() if redaction.holds(value)]:
            message = f"the input {holding[0]} holds a secret, and is written down"
            raise InvalidInputError(message, hint=f"give it another value, or make {holding[0]} of type secret")
        return self.without(redaction)

    def without(self, redaction: Redaction) -> Request:
        """The same, without what `redaction` knows of in why somebody wants it."""
        return replace(self, reason=redaction.text(self.reason), break_glass=redaction.text(self.break_glass))

    @property
    def playbook_sha256(self) -> str:
        """The SHA-256 of the playbook."""
        return hashlib.sha256(self.playbook).hexdigest()

    @property
    def looks(self) -> bool:
        """Whether it only looks, whatever the runbook would change."""
        return self.mode in {"dry-run", "preflight"}


@dataclass(frozen=True)
class Answer:
    """A person's answer to a gate: who said it, with which note, and whether they declared that somebody be called.

    `instead` is what else is to happen than the question asked; `chosen` has what was picked for each host. `waited`
    says that there was time to answer, and that nobody did.
    """

    yes: bool
    by: str
    note: str = ""
    declared: str | None = None
    instead: Literal["", "skip", "undo", "redo"] = ""
    chosen: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    waited: bool = False


@dataclass(frozen=True)
class QuestionView:
    """What a question is about: its whole description, and what earlier steps kept of each host, to choose from.

    `until` is when it is too late to say yes, None where there is no such limit. `needs` is who else must say yes, in
    words; `objection` why a yes from here does not count, empty when it does; `settled` says whether there is no need
    to ask any more, as somebody else has answered.
    """

    context: GateContext
    captured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    until: datetime | None = None
    needs: str = ""
    objection: str = ""
    settled: Callable[[], bool] = lambda: False

    @property
    def hosts(self) -> Sequence[str]:
        """The hosts that it is about."""
        return list(self.context.hosts)


class Operator(Protocol):
    """Whoever answers for the people: a prompt, a flag, a script in a drill."""

    def answer(self, gate: Gate, view: QuestionView) -> Answer | None:
        """The answer to `gate`; None once the question is settled without one."""


@dataclass(frozen=True)
class RunEnvironment:
    """What a run needs from the outside world, so that tests can give it another one.

    `environ` is the command's environment, of which Ansible sees an allow-listed part; `secrets` gives the value behind
    a reference; `new_run_id` names a run that another one hands over to. `type_environment` is what a person types who
    is asked for the name of the environment, below these lines; nothing where there is nobody.
    """

    state: StateDirectory
    clock: Clock
    actor: Actor
    operator: Operator
    cancellation: Cancellation
    environ: Mapping[str, str]
    secrets: Callable[[str], str]
    listeners: Sequence[Listener] = ()
    new_run_id: Callable[[], str] = lambda: ""
    type_environment: Callable[[str, Sequence[str]], str] = lambda _name, _lines: ""


@dataclass(frozen=True)
class Call:
    """Somebody who was called, or told that it is over: by which channel, and what became of it."""

    contact: str
    channel: str
    action: str
    arrived: bool
    reason: str


@dataclass(frozen=True)
class Result:
    """How a run ended: `problems` are sentences for a person, `hint` mends them, `report` is the page to open.

    `happened` is the end in one sentence, `hosts` has the hosts by how they stand now, `calls` who was called,
    `ways_on` what to type next, and `children` the runs that took over from it.
    """

    run_id: str
    outcome: Outcome
    exit_code: ExitCode
    report: Path
    audit: Path
    problems: tuple[str, ...] = ()
    hint: str = ""
    happened: str = ""
    hosts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()
    ways_on: tuple[WayOn, ...] = ()
    children: tuple[Child, ...] = ()


@dataclass(frozen=True)
class Child:
    """A run of `runbook` that took over from another one on `hosts`, and how it ended."""

    runbook: str
    hosts: Sequence[str]
    result: Result
