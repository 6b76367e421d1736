"""An executor for tests: it does nothing, and reports for each task of a compiled playbook what Ansible would."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import field
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any

import yaml

from runner.core.deferred import dataclass
from runner.core.identifiers import Marker
from runner.core.step_tags import due_fact, item_id, items_fact, undone_step
from runner.executor.host_check import HostCheck
from runner.executor.inventory.connection_facts import ConnectionFacts
from runner.executor.job import AbandonedRun, Ending, Handler, Job, JobPart, Message, Together
from runner.executor.protocol import Executor
from runner.model.yaml.composer import LOADER

Answer = tuple[str, Mapping[str, Any]]
"""What a task comes to: the kind of message (`ok`, `failed`, `unreachable`, `skipped`), and its result."""

FAILED: Answer = ("failed", {"rc": 1, "msg": "non-zero return code"})
UNREACHABLE: Answer = ("unreachable", {"msg": "no route to host"})
RESOLVE = "resolve"
_GUARD_FAILED: Answer = ("failed", {"assertion": "ansible_play_hosts | length == ansible_play_hosts_all | length"})


@dataclass
class ScriptedExecutor(Executor):
    """Reports what Ansible would, on the hosts that `hosts` has for each pattern of the playbook.

    `answers` has what a task answers, by (step, part) or (step, part, host), where it does not just pass: an `Answer`,
    or something to call with the host, which may give one. `items` has the items of each step with `each`, or of
    (step, host), where it has not three; a message about one has its number. `inventory` is added to the first message,
    `secrets` are what the inventory has encrypted, and `names` are the hosts of an inventory that has more than the
    plays. `commands` has what a step would do where that is not what is written, `checks` what a preflight finds, and
    `ending` is for a part that ends in another way than by itself.

    `calls` is what was asked for: the tags and the hosts of each part that was executed, and `RESOLVE` with the steps
    that were rendered; `preflights` and `cleaned_up` the same of the rest.
    """

    hosts: dict[str, list[str]] = field(default_factory=lambda: {"all": ["db1"]})
    environments: dict[str, str] = field(default_factory=dict)
    answers: dict[tuple[str, ...], Answer | Callable[[str], Answer | None]] = field(default_factory=dict)
    items: dict[str | tuple[str, str], list[Any]] = field(default_factory=dict)
    inventory: dict[str, Any] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    names: list[str] | None = None
    commands: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    ending: Ending | None = None
    checks: dict[str, HostCheck] = field(default_factory=dict)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    preflights: list[Mapping[str, Collection[str]]] = field(default_factory=list)
    cleaned_up: list[AbandonedRun] = field(default_factory=list)

    def resolve(self, job: Job, part: JobPart) -> Message:
        """The hosts of every play, and what the steps that `part` renders would do, as it is written."""
        self.calls.append((RESOLVE, tuple(part.render)))
        return self._inventory(job, part, ())

    def execute(self, job: Job, part: JobPart, *, handle: Handler, together: Together = nullcontext) -> Ending:
        """Report each task of `part` with the answer that is scripted for it."""
        del together  # one message comes after the other
        self.calls.append((tuple(part.tags), tuple(part.limit)))
        if handle(self._inventory(job, part, part.limit)) is False:
            return Ending("refused")
        lost = _Lost(may_fail=b"runbook_may_fail" in job.playbook)
        delegates = {f"'{name}'": self._named(name)[0] for name in job.on} | {"localhost": "localhost"}
        facts = {host: dict(values) for host, values in part.captured.items()}
        play_on = _Tasks(self, job, part, lost, handle, facts, delegates)
        for play, item in ((each, item) for each in _read(job.playbook) for item in each["tasks"]):
            play_on.do(item, lost.left(self._hosts(job, play, part.limit)), set())
        handle({"kind": "end", "commands": self._commands(job, part, part.render_next)})
        return self.ending or Ending("exited", lost.code)

    def preflight(
        self,
        hosts: Iterable[ConnectionFacts],
        *,
        become: Mapping[str, Collection[str]],
        environ: Mapping[str, str],
        cancelled: Callable[[], bool],
    ) -> list[HostCheck]:
        """What `checks` has of each host; nothing was found about one that is not in it."""
        del environ, cancelled
        self.preflights.append(become)
        return [self.checks.get(facts.host, HostCheck(facts.host)) for facts in hosts]

    def clean_up(self, run: AbandonedRun, *, environ: Mapping[str, str]) -> None:
        """Only remember that it was asked for."""
        del environ
        self.cleaned_up.append(run)

    def answer(self, task: Mapping[str, Any], host: str, number: int | None = None) -> Answer:
        """What `task` answers on `host`, for the item with that `number` if it is done for one."""
        marker = Marker.parse(task["name"])
        assert marker is not None, task["name"]  # noqa: S101 - every compiled task has one
        key = (marker.step if number is None else item_id(marker.step, number), marker.part)
        scripted = self.answers.get((*key, host), self.answers.get(key))
        answer = scripted(host) if callable(scripted) else scripted
        failed = task.get("ansible.builtin.fail")
        return answer or (("failed", failed) if failed else ("ok", _passed(task, host)))

    def _hosts(self, job: Job, play: Mapping[str, Any], limit: Sequence[str]) -> list[str]:
        """The hosts of a play, of which a limit of the whole job leaves those that it names, as Ansible does."""
        every, words = self.hosts[play["hosts"]], filter(None, (job.limit or "").split(","))
        matched = {host for word in words for host in self._named(word)} if job.limit else {*every}
        return [host for host in every if host in matched and (not limit or host in limit)]

    def _inventory(self, job: Job, part: JobPart, limit: Sequence[str]) -> Message:
        job.learn(self.secrets)
        plays = _read(job.playbook)
        matched = [self._hosts(job, play, limit) for play in plays]
        every = list(dict.fromkeys(host for play in plays for host in self.hosts[play["hosts"]]))
        delegates = {name: self._named(name) for name in job.on}
        reached = [host for hosts in (*matched, *delegates.values()) for host in hosts]
        return {
            "kind": "inventory",
            "plays": [{"pattern": play["hosts"], "hosts": hosts} for play, hosts in zip(plays, matched, strict=True)],
            "delegates": delegates,
            "called": {pattern: self.hosts[pattern] for pattern in job.called},
            "successors": {pattern: self._hosts(job, {"hosts": pattern}, ()) for pattern in job.successors},
            "environments": {host: self.environments.get(host, "local") for host in reached},
            "commands": self._commands(job, part, part.render),
            **({"names": self.names or every} if job.names else {}),
            **self.inventory,
        }

    def _named(self, name: str) -> list[str]:
        """The hosts of a name on which steps are done for other hosts; one that no pattern has is a host."""
        return self.hosts.get(name, [name])

    def _commands(self, job: Job, part: JobPart, steps: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """What each of `steps` would do, as it is written."""
        commands: dict[str, dict[str, Any]] = {}
        for play in _read(job.playbook):
            for task in (task for item in play["tasks"] for task in _tasks(item, job)):
                marker = Marker.parse(task["name"])
                if marker and marker.part == "action" and marker.step in steps:
                    module = next(key for key in task if key.startswith("ansible."))
                    command = self.commands.get(marker.step, {"module": module, "args": task[module]})
                    hosts = self._hosts(job, play, part.limit)
                    commands.setdefault(marker.step, {}).update(dict.fromkeys(hosts, command))
        return commands


@dataclass
class _Lost:
    """The hosts that go no further, and whether others may go on without them."""

    may_fail: bool
    failed: set[str] = field(default_factory=set)
    unreachable: set[str] = field(default_factory=set)

    @property
    def code(self) -> int:
        """What ansible-playbook exits with."""
        return 4 if self.unreachable else 2 if self.failed else 0

    def left(self, hosts: Iterable[str]) -> list[str]:
        return [host for host in hosts if host not in self.failed | self.unreachable]


@dataclass
class _Tasks:
    """Goes through the tasks of a play as Ansible does: those with a tag of `part`, and a rescue where a block failed.

    `facts` is what each host is known by (what needs one is skipped without it), `delegates` the host of `delegate_to`.
    """

    executor: ScriptedExecutor
    job: Job
    part: JobPart
    lost: _Lost
    handle: Handler
    facts: dict[str, dict[str, Any]]
    delegates: Mapping[str, str]

    def do(
        self,
        item: Mapping[str, Any],
        hosts: Sequence[str],
        tags: set[str],
        to: str = "",
        about: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Do a task, or a block with its rescue, within something with `tags`, delegated `to`, for the item `about`."""
        inherited, tags, to = tags, tags | set(item.get("tags", [])), item.get("delegate_to", to)
        if str(when := item.get("when", "")).startswith("runbook_needs_"):
            hosts = [host for host in hosts if self.facts.get(host, {}).get(when)]
        if "block" not in item:
            if tags & set(self.part.tags) and not {"ansible.builtin.pause", "ansible.builtin.meta"} & item.keys():
                if place := _imported(item):
                    self._import(item, place, hosts)
                    return
                self._task(item, hosts, to, about)
                if _INCLUDE in item:
                    self._include(item, hosts, inherited, to)
            return
        for each in item["block"]:
            self.do(each, self.lost.left(hosts), tags, to, about)
        if "rescue" in item:  # which is for those that have failed; a host that is not reached is not asked again
            rescued = [host for host in hosts if host in self.lost.failed]
            self.lost.failed -= set(rescued)
            for each in item["rescue"]:
                self.do(each, self.lost.left(rescued), tags, to, about)

    def _include(self, item: Mapping[str, Any], hosts: Sequence[str], tags: set[str], to: str) -> None:
        """Do the tasks of a file for each due item: all hosts of that number together, where the first comes to it."""
        marker = Marker.parse(item["name"])
        assert marker is not None  # noqa: S101 - it is a compiled task
        items = {host: self._items(undone_step(marker.step) or marker.step, host) for host in hosts}
        due = {host: self.facts[host].get(due_fact(marker.step), range(1, 1 + len(items[host]))) for host in hosts}
        for number in dict.fromkeys(number for host in hosts for number in due[host]):
            for task in _read(self.job.files[f"playbooks/{item[_INCLUDE]['file']}"]):
                mine = [host for host in self.lost.left(hosts) if number in due[host]]
                self.do(task, mine, tags, to, {"item": number})

    def _import(self, item: Mapping[str, Any], place: str, hosts: Sequence[str]) -> None:
        """Do the tasks of a role, or of a file; each answers what is scripted for (step, name of the task)."""
        marker = Marker.parse(item["name"])
        assert marker is not None  # noqa: S101 - it is a compiled task
        for task in _read(self.job.files[place]):
            for host in self.lost.left(hosts):
                whence = {"host": host, "task": task["name"], "within": str(marker), "place": f"{place}:1"}
                self.handle({"kind": "start", **whence})
                scripted = self.executor.answers.get((marker.step, task["name"]))
                kind, result = (scripted(host) if callable(scripted) else scripted) or ("ok", {})
                self.handle({"kind": kind, **whence, "result": result})
                self.lost.failed |= {host} if kind == "failed" else set()
                self.lost.unreachable |= {host} if kind == "unreachable" else set()

    def _task(self, task: Mapping[str, Any], hosts: Sequence[str], to: str, about: Mapping[str, int]) -> None:
        marker, lost = Marker.parse(task["name"]), self.lost
        on = next(({"on": host} for word, host in self.delegates.items() if word in to), {})
        for host in hosts[:1] if task.get("run_once") else hosts:
            self.handle({"kind": "start", "host": host, "task": task["name"], **on, **about})
            is_guard = marker is not None and marker.part == "guard" and "ansible.builtin.assert" in task
            stops = is_guard and bool(lost.failed | lost.unreachable) and not lost.may_fail
            kind, result = _GUARD_FAILED if stops else self._answer(task, host, about.get("item"))
            self.facts.setdefault(host, {}).update(result.get("ansible_facts", {}))
            self.handle({"kind": kind, "host": host, "task": task["name"], "result": result, **about})
            lost.failed |= set(hosts) if stops else {host} if kind == "failed" else set()
            lost.unreachable |= {host} if kind == "unreachable" else set()

    def _items(self, step: str, host: str) -> Sequence[Any]:
        """The items that a step with `each` has on `host`: those that it has begun with."""
        found = self.executor.items.get((step, host), self.executor.items.get(step, ["one", "two", "three"]))
        return list(self.facts.setdefault(host, {}).get(items_fact(step), found))

    def _answer(self, task: Mapping[str, Any], host: str, number: int | None) -> Answer:
        """What `task` answers on `host`; what was decided before is not decided again."""
        marker = Marker.parse(task["name"])
        decided = self.part.settings.get("runbook_decided", {}).get(marker.step, ()) if marker else ()
        if marker and marker.part == "only_if" and host in decided:
            return ("skipped", {})
        if marker and marker.part == "items":
            if items_fact(marker.step) in self.facts.get(host, {}):
                return ("skipped", {})
            return ("ok", {"ansible_facts": {items_fact(marker.step): self._items(marker.step, host)}})
        return self.executor.answer(task, host, number)


_INCLUDE = "ansible.builtin.include_tasks"

_read = lru_cache(maxsize=64)(partial(yaml.load, Loader=LOADER))
"""What a compiled file has: it is asked for several times in each part of a run, and nobody changes it."""


def _imported(item: Mapping[str, Any]) -> str:
    """The file of the tasks that `item` imports, from the root of the library; empty where it is no import."""
    if role := item.get("ansible.builtin.import_role"):
        return f"playbooks/roles/{role['name']}/tasks/main.yml"
    return str(item.get("ansible.builtin.import_tasks", {}).get("file", "")).removeprefix("../")


def _tasks(item: Mapping[str, Any], job: Job) -> Iterator[Mapping[str, Any]]:
    """Every task in blocks within blocks, and in the files that are included."""
    yield from () if "block" in item else (item,)
    included = _read(job.files[f"playbooks/{item[_INCLUDE]['file']}"]) if _INCLUDE in item else ()
    for each in (*item.get("block", ()), *item.get("rescue", ()), *included):
        yield from _tasks(each, job)


def _passed(task: Mapping[str, Any], host: str) -> Mapping[str, Any]:
    """What the module of a task answers that has passed."""
    if facts := task.get("ansible.builtin.set_fact"):
        decides = "/only_if | " in task["name"]
        return {"ansible_facts": {name: decides or f"{name} of {host}" for name in facts}}
    if "ansible.builtin.assert" in task:
        return {"msg": "All assertions passed"}
    if told := task.get("ansible.builtin.debug"):
        return {"msg": told["msg"]}
    answer = {"rc": 0, "stdout": ""}
    return {"results": [answer], "samples": 1} if "loop" in task else answer
