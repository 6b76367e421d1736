"""A run without Ansible and without a network: what is asked for, and a channel that only remembers."""

from __future__ import annotations

from dataclasses import dataclass, field

import runner.orchestrator.end.failsafe
from harness.fakes import RUN_ID, Clock, FakeOperator, runbook_file
from runner.channels.base import Receipt
from runner.compiler.committed_playbook import compiled_beside, write
from runner.executor.job import Cancellation
from runner.executor.testing import RESOLVE, ScriptedExecutor
from runner.library.library import Library
from runner.model.contacts import Contact
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_environment import RunEnvironment
from runner.store.log.envelope import Actor
from runner.store.state_directory import StateDirectory


class Killed(BaseException):
    """The command is no more: nothing that would come after this is done, the end of the run included."""


def mortal(monkeypatch):
    """Let the product die of `Killed`, which it would otherwise end the run for as for everything else."""
    real = runner.orchestrator.end.failsafe.explain

    def explain(error):
        if isinstance(error, Killed):
            raise error
        return real(error)

    monkeypatch.setattr("runner.orchestrator.end.failsafe.explain", explain)


SURVEY = (RESOLVE, ())
"""What the inventory says is asked again before a run is gone on with, or taken back."""

INVENTORY = {"kind": "inventory", "plays": [{"pattern": "all", "hosts": ["here"]}], "environments": {"here": "local"}}
START = {"kind": "start", "host": "here", "task": "RUN-001/look/action | Look"}
END = {"kind": "end"}
"""The least that our plugin says."""

ACTOR = Actor(user="alice", host="controller.example", pid=4711, tool_version="0.1.0")


class Sends:
    """What a channel of a test has in common with every other one: it takes the time that it needs."""

    def send_within(self, page, *, secrets, patience):
        del patience
        return self.send(page, secrets=secrets)


@dataclass
class FakeChannel(Sends):
    """Remembers the pages that it was to send, and says that `status` became of each."""

    key = "fake"
    gathers_news = False

    status: str = "accepted"
    doubt: bool = False
    wait: float = 0.0
    sent: list = field(default_factory=list)
    given: list = field(default_factory=list)
    reference: str = ""
    state: object = None
    does_too: frozenset = frozenset()

    def does(self, action):
        return action in {"trigger", "resolve", *self.does_too}

    def check(self, secrets):
        """There is no secret."""

    def incident(self, dedup_key, *, secrets):
        del dedup_key, secrets
        return self.state

    def problems(self, page):
        return ()

    def written(self):
        return {"fake": {}}

    def send_within(self, page, *, secrets, patience):
        self.given.append(patience)
        return super().send_within(page, secrets=secrets, patience=patience)

    def send(self, page, *, secrets):
        del secrets
        self.sent.append(page)
        reason = "" if self.status == "accepted" else "nobody is there"
        return Receipt("fake", self.status, 1, reason, reference=self.reference, doubt=self.doubt, wait=self.wait)

    @property
    def actions(self):
        return [page.action for page in self.sent]


@dataclass
class FakeContact:
    """Somebody who is reached by one channel."""

    channels: tuple
    level: str = "L1"
    is_callable = True
    hours: tuple = ()
    authority: tuple = ()
    name: str = "Somebody"


def request_in(directory, *, channel=None, **changes):
    """What is asked of a run of the least runbook, with `changes`, whose on-call engineer is reached by `channel`."""
    source = Library(directory).source(str(runbook_file(directory, **changes)))
    playbook = Library(directory).playbook(source)
    write(Library(directory), source)
    inventory = directory / "inventory.yml"
    inventory.write_text("all: {hosts: {db1: {}}}\n")
    contacts = {"backend-team": Contact(name="Backend team")}
    return RunRequest(
        run_id=RUN_ID,
        source=source,
        playbook=playbook.read_bytes(),
        beside={name: text.encode() for name, text in compiled_beside(source).items()},
        contacts={**contacts, "on-call": FakeContact((channel or FakeChannel(),))},
        inventories=[inventory],
    )


def environment_in(directory, **changes):
    """A state directory of its own, a clock that stands still, and an operator who says yes."""
    given = {
        "state": StateDirectory.open(directory / "state"),
        "clock": Clock(),
        "actor": ACTOR,
        "operator": FakeOperator(),
        "cancellation": Cancellation(),
        "environ": {},
        "secrets": lambda reference: f"the value of {reference}",
        "new_run_id": lambda: "",
        "executor": ScriptedExecutor(),
    }
    return RunEnvironment(**{**given, **changes})


class UnwritableLog(StateDirectory):
    """A state directory whose log takes no event about which `refuse` raises."""

    def __init__(self, path, refuse):
        super().__init__(path)
        self.refuse = refuse

    def open_log(self, **who):
        log = super().open_log(**who)
        write = log.append

        def append(*events):
            self.refuse(*events)
            return write(*events)

        log.append = append
        return log
