"""What is asked of a run, and how it ended."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from runner.compiler.compiler import variables
from runner.core.deferred import dataclass
from runner.core.errors import ExitCode, InvalidInputError, RunbookError
from runner.core.events import Outcome
from runner.core.redaction import Redaction
from runner.escalation.ladder import NextLevel
from runner.executor.job import Cancellation, Job
from runner.library.library import Library
from runner.library.runbook_source import Source
from runner.lint.rules.gaps import needed_variables
from runner.model.contacts import Contact
from runner.model.procedure import called_runbooks
from runner.model.runbook import Runbook
from runner.store.next_command import NextCommand, needs

Mode = Literal["run", "step", "auto", "dry-run", "preflight"]
"""Whether people are asked at the gates only, before each step, or not at all; a dry run only looks.

A preflight only looks at what must hold before the first step.
"""


@dataclass(frozen=True, slots=True)
class DoubtAnswers:
    """What somebody says in advance of steps in doubt: which are `done`, and which are to be done again (`redo`).

    Each is the name of a step, of an item of it, or of its undo, on every host or as `NAME@HOST`. What is in doubt in
    a run that does a step of this one stands after the step's id, as `failover/promote@db1`. `within` is what leads
    to this run in that way.
    """

    done: Collection[str] = ()
    redo: Collection[str] = ()
    within: str = ""

    def of(self, names: Collection[str], host: str) -> Literal["", "done", "redo"]:
        """What is said of what has these `names`, on `host`; a word that names the host goes before one that does not.

        Whoever says both has it done again.
        """
        for where in (f"@{host}", ""):
            spelled = {f"{name}{where}" for name in names}
            if spelled & {*self.done, *self.redo}:
                return "redo" if spelled & set(self.redo) else "done"
        return ""

    def inside(self, step: str) -> DoubtAnswers:
        """What is said of the run that does `step`."""
        lead = f"{step}/"
        done, redo = (
            [name.removeprefix(lead) for name in names if name.startswith(lead)] for names in (self.done, self.redo)
        )
        return DoubtAnswers(done, redo, self.within + lead)


@dataclass(frozen=True)
class RunRequest:
    """What somebody asked for: the runbook, the reviewed playbook, the inventories, and the inputs with their types.

    Of a secret, `inputs` has where it is and `secrets` what it is; `hidden` are secrets of the runs before in the tree.
    Nothing that is written, sent or shown may hold one of these.
    `reason` is why, `environment` the class that somebody has named in advance, `break_glass` why the guards are
    overridden, `approved` who has approved that it asks nobody, `wait` for how many seconds it waits for whoever holds
    its hosts, `parent` the run that handed over to this one, and `tree` the first of them all. `library` is where a
    runbook that takes over is found.
    `beside` are the files that the playbook includes, whose hashes stand in it.
    `named` is what somebody has named with --limit, where the run that handed over has set `limit`. With `called` a
    step of the run `parent` is done by it: that one calls and announces, and gives it `within` seconds.
    One that is a `drill` calls nobody of its own accord once its command has died, and a `silent` one never: it goes on
    with such a run, or takes it back, and has the contacts of people. `answers` is for one that is
    gone on with, or taken back. `still_approved` raises where what people have said yes to
    before is not what is done any more.
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
    approved: str = ""
    parent: str = ""
    tree: str = ""
    called: bool = False
    drill: bool = False
    silent: bool = False
    within: float | None = None
    answers: DoubtAnswers = DoubtAnswers()
    library: Library | None = None
    still_approved: Callable[[], object] = lambda: None
    beside: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def job(self, environ: Mapping[str, str], learn: Callable[[Collection[str]], object]) -> Job:
        """What the executor is asked to do, against all hosts, as long as no more is known."""
        runbook = self.source.runbook
        return Job(
            run_id=self.run_id,
            name=f"{runbook.id}.yml",
            playbook=self.playbook,
            inventories=self.inventories,
            limit=self.limit,
            inputs=variables(runbook, self.inputs),
            hosts="all",
            becomes=False,
            environ=environ,
            cancellation=Cancellation(),
            learn=learn,
            names=runbook.asks_for_hosts,
            on=runbook.delegates,
            called=tuple(dict.fromkeys(called_runbooks.patterns(runbook, self._known))),
            successors=tuple(dict.fromkeys(self._successors())),
            needs=sorted({name for names in needed_variables(self.source).values() for name in names}),
            files={**self.source.side_files.contents, **_in_playbooks(self.beside)},
        )

    def _known(self, runbook: str) -> Runbook | None:
        """The same; None where it is not there, or does not load, of which others tell."""
        try:
            return self.find(runbook)
        except RunbookError:
            return None

    def _successors(self) -> Iterator[str]:
        """The host patterns of the runbooks that may take over."""
        for to in self.source.runbook.successors:
            if successor := self._known(to.run):
                yield from map(successor.hosts_of, successor.procedure)

    def find(self, runbook: str) -> Runbook | None:
        """The runbook with this id; None where there is no library to look in.

        Raises:
            RunbookError: it is not there, or does not load.
        """
        return self.library.source(runbook).runbook if self.library else None

    @property
    def needs(self) -> str:
        """Which variables hold its secrets, for whoever types a command elsewhere."""
        return needs(self.inputs.get(name, "") for name in sorted(self.source.runbook.secrets))

    def redaction(self) -> Redaction:
        """What keeps the secrets out of all that is written, sent or shown."""
        return Redaction((*self.hidden, *self.secrets.values()))

    def masked(self, known: Redaction | None = None, recorded: Mapping[str, Any] = MappingProxyType({})) -> RunRequest:
        """The same, without a secret in what somebody has written to be read: its own ones, or all that are `known`.

        Of the inputs, those that stand in the record already, as they are `recorded`, are let be.

        Raises:
            InvalidInputError: an input that is written down as it is holds a secret, and is not what the runbook says.
        """
        redaction, declared = known or self.redaction(), self.source.runbook.inputs
        given = {name: value for name, value in self.inputs.items() if value != declared[name].default}
        given = {name: value for name, value in given.items() if value != recorded.get(name)}
        if holding := [name for name, value in given.items() if redaction.holds(value)]:
            message = f"the input {holding[0]} holds a secret, and is written down"
            raise InvalidInputError(message, hint=f"give it another value, or make {holding[0]} of type secret")
        return self.without(redaction)

    def without(self, redaction: Redaction) -> RunRequest:
        """The same, without what `redaction` knows of in why somebody wants it."""
        return replace(self, reason=redaction.text(self.reason), break_glass=redaction.text(self.break_glass))

    @property
    def playbook_sha256(self) -> str:
        """The SHA-256 of the playbook."""
        return hashlib.sha256(self.playbook).hexdigest()

    @property
    def tells_nobody(self) -> bool:
        """Whether nobody is called for it, or told how it goes: it only looks, or another run does that for it."""
        return self.looks or self.called or self.silent

    @property
    def looks(self) -> bool:
        """Whether it only looks, whatever the runbook would change."""
        return self.mode in {"dry-run", "preflight"}


def _in_playbooks(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that a playbook includes, by their paths from the root of the library."""
    return {f"playbooks/{name}": content for name, content in files.items()}


@dataclass(frozen=True)
class Call:
    """Somebody who was called, or told that it is over: by which channel, and what became of it.

    `lost` says of a page that has not arrived why nobody sends it again, or only for the time being.
    """

    contact: str
    channel: str
    action: str
    arrived: bool
    reason: str
    lost: str = ""

    @property
    def calls(self) -> bool:
        """Whether they hear by it that they are needed; `progress` is for whoever has the incident already."""
        return self.action in {"trigger", "progress"}


@dataclass(frozen=True)
class Result:
    """How a run ended: `problems` are sentences for a person, `hint` mends them, `report` is the page to open.

    `happened` is the end in one sentence, `hosts` has the hosts by how they stand now, `calls` who was called,
    `ways_on` what to type next, and `children` the runs that took over from it. `acknowledged` says who has the
    incident, `follows` who is called next while nobody has, and `remarks` are sentences about what became of incidents
    besides, and about tasks that another engine did than the one that was asked for. With `in_doubt` it was not gone on
    with because nobody said what became of what is in doubt.
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
    ways_on: tuple[NextCommand, ...] = ()
    children: tuple[Child, ...] = ()
    acknowledged: str = ""
    follows: NextLevel | None = None
    remarks: tuple[str, ...] = ()
    in_doubt: bool = False


@dataclass(frozen=True)
class Child:
    """A run of `runbook` that worked for a step of another one on `hosts`, and how it ended.

    With `called` it has done the step; else it took over when the step did not pass, and may have worked elsewhere.
    """

    runbook: str
    hosts: Sequence[str]
    result: Result
    called: bool = False

    @property
    def has_called(self) -> bool:
        """Whether somebody whom it has called has heard of it."""
        return any(call.calls and call.arrived for call in self.result.calls)
