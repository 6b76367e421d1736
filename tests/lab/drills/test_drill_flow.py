"""A drill is passed only if the system was seen broken, its runbook mended it, and the proof holds; and it is undone."""

import dataclasses
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from runner.core.errors import ExecutionError, ExitCode, InvalidInputError
from runner.core.events import Outcome
from runner.lab.drills.drill_flow import drill
from runner.lab.drills.plain_ansible import Inventory
from runner.lab.flow import Stage
from runner.library.library import Library
from runner.orchestrator.request import Result

DONE = Result("run", Outcome.PASSED, ExitCode.DONE, Path("report"), Path("audit"))
FAILED = dataclasses.replace(DONE, outcome=Outcome.FAILED, exit_code=ExitCode.FAILED)


class System:
    """A service that is well or not, what breaks it, and what is asked of it: the Ansible of these tests."""

    def __init__(self, directory, port):
        self.directory, self.port = directory, port
        self.well, self.breaks, self.proof = True, True, ""
        self.variables = {"runbook_environment": "lab"}
        self.played = []

    def inventory(self):
        return Inventory(
            {"load_balancer": ["edge"]}, {"edge": {"ansible_host": f"127.0.0.1:{self.port}", **self.variables}}
        )

    def play(self, name, playbook, variables, *, log):
        steps = dict.fromkeys(re.findall(r"RUN-001/([a-z-]+)/", playbook.read_text()))
        self.played.append((name, variables["stuck_after"], [*steps]))
        if name == "the fault" and self.breaks:
            self.well = False
        if name == "the proof" and self.proof:
            raise ExecutionError("the proof failed", hint=self.proof)


@pytest.fixture
def system(tmp_path):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if system.well else 503)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_request(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    system = System(tmp_path, server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield system
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def rehearse(system):
    """A drill of RUN-001, and what is said of it; `mends` is whether the run mends the system."""

    def do(*, mends=True, runbook="RUN-001", **how):
        def start(request):
            system.well = system.well or mends
            return DONE if mends else FAILED

        said = []
        library = Library.shipped()
        stage = Stage(
            library, [system.directory], SimpleNamespace(url="http://127.0.0.1:1"), start, said.append, lambda: "1"
        )
        result = drill(stage, library.usable(runbook), system, **how)
        return result, [line.split()[0] for line in said]

    return do


def test_one_that_is_mended_and_proven_is_passed_and_undone(system, rehearse):
    result, said = rehearse()

    assert (result.ok, result.exit_code, said) == (True, ExitCode.DONE, ["up", "FAULT", "RECOVERED", "PROVEN"])
    assert result.outage > 0
    assert result.recovery > 0
    assert system.played == [
        ("the fault", "1s", ["leak", "refused"]),
        ("the proof", "1s", ["nobody-leaks", "orders-kept"]),
        ("the undo of the rehearsal", "1s", ["stop-the-report"]),
    ]


def test_without_remediation_it_stays_broken_and_is_undone(system, rehearse):
    result, said = rehearse(remediation=False)

    assert (result.exit_code, said) == (ExitCode.FAILED, ["up", "FAULT", "untreated"])
    assert [name for name, _, _ in system.played] == ["the fault", "the undo of the rehearsal"]


def test_without_a_fault_the_runbook_refuses_and_nothing_is_played(system, rehearse):
    result, said = rehearse(fault=False, mends=False)

    assert (result.exit_code, said, system.played) == (ExitCode.FAILED, ["up", "REFUSED"], [])


def test_what_nobody_has_seen_broken_is_not_passed(system, rehearse):
    system.breaks = False

    result, said = rehearse(patience=0.2)

    assert (result.exit_code, said) == (ExitCode.FAILED, ["up", "NOT"])
    assert [name for name, _, _ in system.played] == ["the fault", "the undo of the rehearsal"]


def test_a_system_that_is_not_well_before_is_not_broken(system, rehearse):
    system.well = False

    result, said = rehearse(patience=0.2, fault=True)

    assert (result.exit_code, said) == (ExitCode.FAILED, ["NOT"])


def test_a_proof_that_does_not_hold_fails_it(system, rehearse):
    system.proof = "db1: 7 orders are lost"

    result, said = rehearse()

    assert (result.exit_code, said[-1]) == (ExitCode.FAILED, "NOT")
    assert system.played[-1][0] == "the undo of the rehearsal"


def test_a_run_that_fails_fails_it(system, rehearse):
    result, said = rehearse(mends=False)

    assert (result.exit_code, said) == (ExitCode.FAILED, ["up", "FAULT", "NOT"])


@pytest.mark.parametrize("variables", [{}, {"runbook_environment": "production"}, {"runbook_environment": "prod"}])
def test_production_is_never_broken(system, rehearse, variables):
    system.variables = variables

    with pytest.raises(InvalidInputError, match="nothing is broken in production, to which edge belongs"):
        rehearse()

    assert system.played == []


def test_a_runbook_that_says_nothing_of_a_drill_has_none(rehearse):
    with pytest.raises(InvalidInputError, match="RUN-040 says nothing of how it is rehearsed"):
        rehearse(runbook="RUN-040")
