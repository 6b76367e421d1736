"""A run without Ansible and without a network: a channel that only remembers, and a stand-in for the executor."""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

import runner.orchestrator.end.finish
from harness.fakes import RUN_ID, Clock, FakeOperator, runbook_file
from runner.channels.base import Receipt
from runner.compiler.committed_playbook import compiled
from runner.core.identifiers import Marker
from runner.executor.ansible.invocations import Cancellation
from runner.executor.ansible.messages import Ending
from runner.library.library import Library
from runner.model.contacts import Contact
from runner.orchestrator.request import Request, RunEnvironment
from runner.store.log.audit_log import Actor
from runner.store.state_directory import StateDirectory


class Killed(BaseException):
    """The command is no more: nothing that would come after this is done, the end of the run included."""


def mortal(monkeypatch):
    """Let the product die of `Killed`, which it would otherwise end the run for as for everything else."""
    real = runner.orchestrator.end.finish.explain

    def explain(error):
        if isinstance(error, Killed):
            raise error
        return real(error)

    monkeypatch.setattr("runner.orchestrator.end.finish.explain", explain)


SURVEY = ("resolve", ())
"""What the inventory says is asked again before a run is gone on with, or taken back."""

HELLO = {"kind": "hello", "plays": [{"pattern": "all", "hosts": ["here"]}], "environments": {"here": "local"}}
START = {"kind": "start", "host": "here", "task": "RUN-001/look/action | Look"}
END = {"kind": "end"}
"""The least that our plugin says."""

ACTOR = Actor(user="alice", host="controller.example", pid=4711, tool_version="0.1.0")


@dataclass
class FakeChannel:
    """Remembers the pages that it was to send, and says that `status` became of each."""

    status: str = "accepted"
    sent: list = field(default_factory=list)

    def send(self, page, *, secrets):
        del secrets
        self.sent.append(page)
        return Receipt("fake", self.status, 1, "" if self.status == "accepted" else "nobody is there")

    @property
    def actions(self):
        return [page.action for page in self.sent]


@dataclass
class FakeContact:
    """Somebody who is reached by one channel."""

    channels: tuple


def request_in(directory, *, channel=None, **changes):
    """What is asked of a run of the least runbook, with `changes`, whose on-call engineer is reached by `channel`."""
    source = Library(directory).source(str(runbook_file(directory, **changes)))
    playbook = Library(directory).playbook(source)
    playbook.parent.mkdir(exist_ok=True)
    playbook.write_text(compiled(source))
    inventory = directory / "inventory.yml"
    inventory.write_text("all: {hosts: {db1: {}}}\n")
    contacts = {"backend-team": Contact(name="Backend team")}
    return Request(
        run_id=RUN_ID,
        source=source,
        playbook=playbook.read_bytes(),
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
    }
    return RunEnvironment(**{**given, **changes})


def _tasks(item):
    """Every task in blocks within blocks."""
    return [task for each in item["block"] for task in _tasks(each)] if "block" in item else [item]


@dataclass
class ScriptedAnsible:
    """Says for each task of the compiled playbook what Ansible would, on the hosts that `hosts` has for a pattern.

    `answers` has what a task answers, by (step, part) or (step, part, host), where it does not just pass: kind and
    result, or something to call. `spans` is what was asked for: tags, and the hosts it was limited to. `ending` is for
    a span that ends in another way than by itself, `names` for an inventory with more hosts than the plays have.
    """

    hosts: dict = field(default_factory=lambda: {"all": ["db1"]})
    environments: dict = field(default_factory=dict)
    answers: dict = field(default_factory=dict)
    spans: list = field(default_factory=list)
    ending: Ending | None = None
    names: list | None = None

    def resolve(self, job, part):
        self.spans.append(("resolve", tuple(part.render)))
        return {**self._hello(job), "commands": self._commands(job, part)}

    def _commands(self, job, part):
        """What each step that is to be rendered would do, as it is written."""
        found = {}
        for play in yaml.safe_load(job.playbook):
            for task in [task for item in play["tasks"] for task in _tasks(item)]:
                marker = Marker.parse(task["name"])
                if marker and marker.part == "action" and marker.step in part.render:
                    module = next(key for key in task if key.startswith("ansible."))
                    said = {"module": module, "args": task[module]}
                    found.setdefault(marker.step, {}).update(dict.fromkeys(self._hosts(play, part.limit), said))
        return found

    def execute(self, job, part, *, handle):
        tags, limit = part.tags, part.limit
        self.spans.append((tuple(tags), tuple(limit)))
        handle({**self._hello(job, limit), "commands": self._commands(job, part)})
        lost = _Lost(may_fail=b"runbook_may_fail" in job.playbook)
        for play in yaml.safe_load(job.playbook):
            there = self._hosts(play, limit)
            for item in play["tasks"]:
                self._do(item, lost.left(there), handle, tags=set(tags), mine=set(), lost=lost)
        handle({"kind": "end", "commands": self._commands(job, part)})
        return self.ending or Ending("exited", lost.code)

    def _hosts(self, play, limit):
        return [host for host in self.hosts[play["hosts"]] if not limit or host in limit]

    def _hello(self, job, limit=()):
        plays = yaml.safe_load(job.playbook)
        matched = [self._hosts(play, limit) for play in plays]
        hosts = [{"pattern": play["hosts"], "hosts": names} for play, names in zip(plays, matched, strict=True)]
        environments = {host: self.environments.get(host, "local") for names in matched for host in names}
        known = list(dict.fromkeys(host for play in plays for host in self.hosts[play["hosts"]]))
        asked = {"names": self.names or known} if job.names else {}
        return {"kind": "hello", "plays": hosts, "environments": environments, **asked}

    def _do(self, item, hosts, handle, *, tags, mine, lost):
        """A task, or a block with its rescue; `lost` learns of the hosts that went no further."""
        mine = mine | set(item.get("tags", []))
        if "block" not in item:
            if mine & tags and "pause" not in str(item.keys()):
                self._task(item, hosts, handle, lost)
            return
        for each in item["block"]:
            self._do(each, lost.left(hosts), handle, tags=tags, mine=mine, lost=lost)
        if "rescue" in item:  # which is for those that have failed; a host that is not reached is not asked again
            rescued = [host for host in hosts if host in lost.failed]
            lost.failed -= set(rescued)
            for each in item["rescue"]:
                self._do(each, lost.left(rescued), handle, tags=tags, mine=mine, lost=lost)

    def _task(self, task, hosts, handle, lost):
        for host in hosts[:1] if task.get("run_once") else hosts:
            handle({"kind": "start", "host": host, "task": task["name"]})
            stops = Marker.parse(task["name"]).part == "guard" and lost.anybody and not lost.may_fail
            kind, result = _GUARDED if stops else self._answer(task, host)
            handle({"kind": kind, "host": host, "task": task["name"], "result": result})
            lost.failed |= set(hosts) if stops else {host} if kind == "failed" else set()
            lost.unreachable |= {host} if kind == "unreachable" else set()

    def _answer(self, task, host):
        marker = Marker.parse(task["name"])
        key = (marker.step, marker.part)
        answer = self.answers.get((*key, host), self.answers.get(key))
        if callable(answer):
            answer = answer(host)
        return answer or ("ok", _passed(task, host))


_GUARDED = ("failed", {"assertion": "ansible_play_hosts | length == ansible_play_hosts_all | length"})


@dataclass
class _Lost:
    """The hosts that go no further, and whether others may go on without them."""

    may_fail: bool
    failed: set = field(default_factory=set)
    unreachable: set = field(default_factory=set)

    @property
    def anybody(self):
        return self.failed | self.unreachable

    @property
    def code(self):
        """What ansible-playbook exits with."""
        return 4 if self.unreachable else 2 if self.failed else 0

    def left(self, hosts):
        return [host for host in hosts if host not in self.anybody]


def _passed(task, host):
    """What the module of a task answers that has passed."""
    if "ansible.builtin.set_fact" in task:
        return {"ansible_facts": {name: f"{name} of {host}" for name in task["ansible.builtin.set_fact"]}}
    if "ansible.builtin.assert" in task:
        return {"msg": "All assertions passed"}
    if "ansible.builtin.debug" in task:
        return {"msg": task["ansible.builtin.debug"]["msg"]}
    answer = {"rc": 0, "stdout": ""}
    return {"results": [answer], "samples": 1} if "loop" in task else answer
