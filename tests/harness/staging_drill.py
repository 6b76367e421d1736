"""A drill of the staging of a test in a process of its own, which may be killed: `python -m harness.staging_drill`."""

from __future__ import annotations

import os
import sys
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from zlib import crc32

from runner.cli import system
from runner.executor.ansible.ansible_executor import AnsibleExecutor
from runner.executor.job import Cancellation
from runner.lab.demo_workspace import workspace
from runner.lab.drills.drill_backends import given
from runner.lab.flow import ScriptedOperator
from runner.lab.receiver import Receiver
from runner.library.library import Library
from runner.orchestrator.run_environment import Installation, RunEnvironment
from runner.render.drills.drill_result import DrillTest
from runner.services.drills.standard_tests import DrillSession
from runner.services.runs import start_run
from runner.store.state_directory import StateDirectory


def mark_of(root: Path) -> str:
    """The end of the id of each drill of the library in `root`: others drill on this machine at the same time."""
    return f"{crc32(str(root).encode()):08x}"


def installation_of(root: Path) -> Installation:
    """The installation whose state is in `root`."""
    return Installation(
        state=StateDirectory.open(root / ".runbook"),
        clock=system.clock,
        actor=system.actor(),
        environ=dict(os.environ),
        secrets={}.__getitem__,
        new_run_id=lambda: f"{system.new_run_id()[:-8]}{mark_of(root)}",
        executor=AnsibleExecutor(),
    )


def drill(root: Path, grace: float):
    """The result of the drill of RUN-100, each of whose moments is printed as it begins."""
    library, here = Library(root), installation_of(root)
    common = {field.name: getattr(here, field.name) for field in fields(here)}

    def start(request, _began):
        env = RunEnvironment(**common, operator=ScriptedOperator(), cancellation=Cancellation())
        return start_run(request, env)

    with workspace() as directory, Receiver.listening() as receiver:
        session = DrillSession(
            library=library,
            backend=given([root / "inventories/staging"]),
            directory=directory,
            receiver=receiver,
            installation=here,
            start=start,
            say=lambda moment: print(moment.word, moment.text, flush=True),  # noqa: T201 - whoever kills it waits for that
            grace=timedelta(seconds=grace),
        )
        sources = [library.usable("RUN-100")]
        (result,) = session.do(sources, (DrillTest.AS_WRITTEN,), session.plans(sources))
        return result


if __name__ == "__main__":
    done = drill(Path(sys.argv[1]), float(sys.argv[2]))
    print(done.verdict, done.reasons, flush=True)  # noqa: T201 - as above
