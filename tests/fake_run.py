"""A run without Ansible and without a network: a channel that only remembers, and a stand-in for the executor."""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml
from fakes import RUN_ID, Clock, FakeOperator, runbook_file

import runner.conclusion
from runner.channels.base import Receipt
from runner.definition.catalog import Library
from runner.definition.contacts import Contact
from runner.execution.executor import Cancellation
from runner.execution.order import Ending
from runner.execution.reviewed import compiled
from runner.identifiers import Marker
from runner.record.audit_log import Actor
from runner.record.state_directory import StateDirectory
from runner.request import Request, Surroundings


class Killed(BaseException):
    """The command is no more: nothing that would come after this is done, the end of the run included."""


def mortal(monkeypatch):
    """Let the product die of `Killed`, which it would otherwise end the run for as for everything else."""
    real = runner.conclusion.explain

    def explain(error):
        if isinstance(error, Killed):
            raise error
        return real(error)

    monkeypatch.setattr("runner.conclusion.explain", explain)


SURVEY = ("resolve", ())
"""What the inventory says is asked again before a run is gone on with, or taken back."""

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


def surroundings_in(directory, **changes):
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
    return Surroundings(**{**given, **changes})


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
                    found.setdefault(marker.step, {}).update(dict.fromkeys(self.hosts[play["hosts"]], said))
        return found

    def execute(self, job, part, *, handle):
        tags, limit = part.tags, part.limit
        self.spans.append((tuple(tags), tuple(limit)))
        handle({**self._hello(job), "commands": self._commands(job, part)})
        lost = set()
        for play in yaml.safe_load(job.playbook):
            there = [host for host in self.hosts[play["hosts"]] if not limit or host in limit]
            for item in play["tasks"]:
                here = [host for host in there if host not in lost]
                lost |= self._do(item, here, handle, tags=set(tags), mine=set())
                if lost and b"runbook_may_fail" not in job.playbook:  # the guard before the next step stops everybody
                    return Ending("exited", 2)
        handle({"kind": "end", "commands": self._commands(job, part)})
        return self.ending or Ending("exited", 0)

    def _hello(self, job):
        plays = yaml.safe_load(job.playbook)
        hosts = [{"pattern": play["hosts"], "hosts": self.hosts[play["hosts"]]} for play in plays]
        names = {host: "local" for play in hosts for host in play["hosts"]}
        asked = {"names": self.names or list(names)} if job.names else {}
        return {"kind": "hello", "plays": hosts, "environments": {**names, **self.environments}, **asked}

    def _do(self, item, hosts, handle, *, tags, mine):
        """The hosts that a task, or a block with its rescue, has lost."""
        mine = mine | set(item.get("tags", []))
        if "block" not in item:
            return self._task(item, hosts, handle) if mine & tags and "pause" not in str(item.keys()) else set()
        lost = self._each(item["block"], hosts, handle, tags=tags, mine=mine)
        if not (lost and "rescue" in item):
            return lost
        return self._each(item["rescue"], sorted(lost), handle, tags=tags, mine=mine)

    def _each(self, items, hosts, handle, *, tags, mine):
        lost = set()
        for item in items:
            lost |= self._do(item, [host for host in hosts if host not in lost], handle, tags=tags, mine=mine)
        return lost

    def _task(self, task, hosts, handle):
        lost = set()
        for host in hosts:
            handle({"kind": "start", "host": host, "task": task["name"]})
            kind, result = self._answer(task, host)
            handle({"kind": kind, "host": host, "task": task["name"], "result": result})
            lost |= {host} if kind in {"failed", "unreachable"} else set()
        return lost

    def _answer(self, task, host):
        marker = Marker.parse(task["name"])
        key = (marker.step, marker.part)
        answer = self.answers.get((*key, host), self.answers.get(key))
        if callable(answer):
            answer = answer(host)
        if answer is None and marker.part == "capture":
            answer = ("ok", {"ansible_facts": {name: f"{name} of {host}" for name in task["ansible.builtin.set_fact"]}})
        return answer or ("ok", {"rc": 0, "stdout": ""})
