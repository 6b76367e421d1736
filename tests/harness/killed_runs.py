"""Hosts that know what was really done on them, by a command that dies at any instant and is gone on with."""

from __future__ import annotations

import re
from collections import defaultdict
from copy import deepcopy
from dataclasses import replace

from harness.engine import FAILED
from harness.fake_run import Killed
from harness.fakes import RUN_ID
from runner.orchestrator.run_environment import GateAnswer


class World:
    """What was done on each host, in order, by the names of `units`; and an operator who looks before they answer.

    A unit is what is done by itself: a step, an item of it (`move[2]`), or the last task of a role (step and task). An
    instant is before a message of Ansible is handled, or after a record is durable.
    """

    def __init__(self, engine, *units):
        self.engine, self.done, self.instants, self.left = engine, defaultdict(list), 0, 0
        for unit in units:
            name, part = unit if isinstance(unit, tuple) else (unit, "action")
            for step, act in ((name, part), (f"undo-{name}", "action")):
                engine.ansible.answers[step, act] = lambda host, step=step: self.done[host].append(step)
            engine.ansible.answers[name, "verify/1"] = lambda host, name=name: (
                None if self.stands(name, host) else FAILED
            )
        engine.operator.answer = self.answer
        engine.env = replace(engine.env, listeners=[*engine.env.listeners, self.pass_by])
        execute = engine.ansible.execute

        def mortal(job, part, *, handle, **around):
            return execute(job, part, handle=lambda message: (self.pass_by(), handle(message))[1], **around)

        engine.ansible.execute = mortal

    def answer(self, gate, view):
        """What a person sees on the hosts, where nobody knows what became of a step; else yes."""
        if gate.kind != "unknown":
            return GateAnswer(yes=True, by="alice")
        (host,), item = view.hosts, re.search(r", item (\d+) \(", gate.text)
        name = f"{gate.step.id}[{item[1]}]" if item else gate.step.id
        if self.stands(name, host) != gate.text.startswith("Undo: "):
            return GateAnswer(yes=True, by="alice")
        return GateAnswer(yes=False, by="alice", instead="redo")

    def stands(self, name, host):
        """Whether it is done there, and not taken back since."""
        return bool(next((each == name for each in reversed(self.done[host]) if each in {name, f"undo-{name}"}), False))

    def standing(self):
        """All that stands, as (unit, host)."""
        return {(name, host) for host in self.done for name in self.forwards(host) if self.stands(name, host)}

    def forwards(self, host):
        """What was done there, in order."""
        return [name for name in self.done[host] if not name.startswith("undo-")]

    def backwards(self, host):
        """What was taken back there, in order."""
        return [name.removeprefix("undo-") for name in self.done[host] if name.startswith("undo-")]

    def blindly(self, host):
        """What was taken back there though it did not stand: it was not done, or was taken back before."""
        standing, blindly = set(), []
        for name in self.done[host]:
            undone = name.removeprefix("undo-")
            if undone != name and undone not in standing:
                blindly.append(undone)
            (standing.add if undone == name else standing.discard)(undone)
        return blindly

    def pass_by(self, *_):
        self.instants += 1
        self.left -= 1
        if self.left == 0:
            raise Killed

    def live_through(self, start, pick, instants, *, goes_on):
        """How the undo of a run ends that was killed, and if somebody `goes_on` with it, what was done before that.

        Each command is killed at one of its `instants`, which `pick` chooses, and given again. The run is nothing to
        go on with where it died before its hosts were known: None.
        """
        self.survive(start, instant=pick.randrange(1, instants))
        if not self.engine.env.state.run(RUN_ID).state.target:
            return None, {}
        done = {}
        if goes_on:
            self.survive(self.engine.resume, instant=pick.randrange(1, instants))
            if self.engine.state["outcome"] != "passed":
                assert self.survive(self.engine.resume).outcome == "passed"
            done = deepcopy(dict(self.done))
        self.survive(self.engine.undo, instant=pick.randrange(1, instants))
        return self.survive(self.engine.undo), done

    def survive(self, do, *, instant=0):
        """How `do` ends; with an `instant`, the command dies when it comes to it."""
        self.left = instant
        try:
            return do()
        except Killed:
            return None
