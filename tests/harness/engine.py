"""A run on a bench: a request, its surroundings, a stand-in for Ansible, and what was recorded of it."""

from __future__ import annotations

import json
from dataclasses import replace

import runner.orchestrator.run_loop
from harness.fake_run import FakeChannel, environment_in, mortal, request_in
from harness.fakes import RUN_ID, FakeOperator
from runner.core.events import EventType
from runner.executor.job import Cancellation
from runner.executor.testing import ScriptedExecutor
from runner.library.library import Library
from runner.orchestrator.request import DoubtAnswers
from runner.store.log.log_reader import read

FAILED = ("failed", {"rc": 1, "msg": "non-zero return code"})
LOST = ("unreachable", {"msg": "no route to host"})
NOBODY = {"when": [{"declared": "Too much"}], "contacts": ["on-call"], "provide": ["timeline"]}
"""A policy that calls nobody when a step fails."""


def change(name, **keys):
    """A step that changes something, and is verified by looking for it."""
    looks = {"says": f"{name} is there", "command": f"ls /{name}"}
    return {
        "id": name,
        "name": name.capitalize(),
        "command": f"touch /{name}",
        "verify": [looks],
        "on_failure": "stop",
        **keys,
    }


def undoing(name, **keys):
    """The same, and how it is taken back."""
    return change(name, undo={"command": f"rm /{name}", "verify": [{"exit": 0}]}, **keys)


class Engine:
    """`run` does it, `resume` and `undo` go on with it; `records` is what was recorded, `asked` who was asked what."""

    def __init__(self, directory, monkeypatch):
        self.directory, self.ansible, self.channel = directory, ScriptedExecutor(), FakeChannel()
        self.operator, self.heard, self.library = FakeOperator(), [], Library(directory)
        self.env = environment_in(
            directory, operator=self.operator, listeners=[self.heard.append], executor=self.ansible
        )
        mortal(monkeypatch)

    def request(self, *steps, **changes):
        kept = ("mode", "reason", "inputs", "secrets", "environment", "break_glass", "limit")
        asked = {key: changes.pop(key) for key in kept if key in changes}
        if "takes" in changes:  # `inputs` is what is given
            changes["inputs"] = changes.pop("takes")
        changed = {"escalation": NOBODY, **({"steps": list(steps)} if steps else {}), **changes}
        made = request_in(self.directory, channel=self.channel, **changed)
        return replace(made, library=self.library, **asked)

    def run(self, *steps, **changes):
        self.asked_for = self.request(*steps, **changes)
        return self.do()

    def do(self):
        return runner.orchestrator.run_loop.run(self.asked_for, self.env)

    def _again(self, **said):
        self.ansible.calls.clear()
        self.heard.clear()
        self.env = replace(self.env, cancellation=Cancellation())
        return replace(self.asked_for, answers=DoubtAnswers(**said)), self.env

    def resume(self, **said):
        return runner.orchestrator.run_loop.resume(*self._again(**said))

    def undo(self, **said):
        return runner.orchestrator.run_loop.undo_all(*self._again(**said))

    @property
    def records(self):
        """What happened; that its files were filed after it is shown in tests/store/test_manifest.py."""
        told = read(self.env.state.audit / "audit.jsonl", run=RUN_ID)
        return [record for record in told if record.type != EventType.RUN_FILED]

    @property
    def outcomes(self):
        """The last outcome of each step on each host."""
        finished = [record for record in self.records if record.type == EventType.STEP_FINISHED]
        return {(record.step, record.host): record.data["outcome"] for record in finished}

    def done(self, host):
        """What was begun on `host`, in order."""
        began = [record for record in self.records if record.type == EventType.STEP_INTENDED]
        return [record.step for record in began if record.host == host]

    @property
    def directory_of_the_run(self):
        return self.env.state.run(RUN_ID)

    @property
    def state(self):
        return json.loads((self.env.state.path / "runs" / RUN_ID / "run.json").read_text())
