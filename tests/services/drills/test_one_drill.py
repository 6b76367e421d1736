"""A drill is passed only if the system was seen broken, its runbook mended it, and the proof holds; and it is undone."""

from __future__ import annotations

import dataclasses
import json
import re
import signal
import threading
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path

import pytest

from runner.channels.pagerduty import PagerDuty
from runner.core.errors import ExecutionError, ExitCode, InvalidInputError
from runner.core.events import Event, EventType, Outcome
from runner.kinds.verifications.monitoring.alert_probe import AlertFiring
from runner.lab.drills.drill_phases import brief
from runner.lab.drills.plain_ansible import Inventory
from runner.lab.probe import Probe, ProbeAnswer
from runner.lab.receiver import Receiver
from runner.library.library import Library
from runner.model.contacts import Contact
from runner.model.procedure.each import Each
from runner.model.verification import Verification
from runner.orchestrator.request import Result
from runner.render.drills.drill_result import DrillTest, DrillVerdict, WouldBeCall
from runner.services.drills.drill_task import DrillConditions, DrillTask
from runner.services.drills.one_drill import do_drill
from runner.services.drills.recorded_calls import Switchboard

REAL = {"on-call": Contact(name="On-call", channels=(PagerDuty(routing_key="env:KEY"),))}


class System:
    """A service that is well or not, what breaks it, and what is asked of it: the Ansible of these tests."""

    def __init__(self, directory, port):
        self.directory, self.port, self.inventories = directory, port, []
        self.well, self.breaks, self.proof, self.undo = True, True, "", ""
        self.variables = {"runbook_environment": "lab"}
        self.played, self.playbooks, self.asked = [], {}, 0
        self.interrupted = self.refuses = self.flickers = self.relapses = False

    def inventory(self):
        address = {"ansible_host": "127.0.0.1", **self.variables}
        return Inventory({"load_balancer": ["edge"]}, {"edge": address})

    def play(self, name, playbook, variables, *, log, attempt):
        self.playbooks[name] = playbook.read_text()
        steps = dict.fromkeys(re.findall(r"RUN-001/([a-z-]+)/", self.playbooks[name]))
        self.played.append((name, variables["stuck_after"], [*steps]))
        if name == "the fault" and self.refuses:
            raise ExecutionError("the fault failed", hint="edge: there is no such service")
        if name == "the fault" and self.breaks:
            self.well = False
        if name == "the undo of the drill":
            self.well = True
            if self.interrupted:
                signal.raise_signal(signal.SIGINT)
            if self.undo:
                raise ExecutionError("the undo of the drill failed", hint=self.undo)
        if name == "the proof" and self.proof:
            raise ExecutionError("the proof failed", hint=self.proof)
        if name == "the proof" and self.relapses:
            self.well, seen = False, self.asked
            while self.asked < seen + 2:
                time.sleep(0.01)
            self.well = True


@pytest.fixture
def system(tmp_path):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            system.asked += 1
            self.send_response(200 if system.well and not (system.flickers and system.asked % 2) else 503)
            self.end_headers()
            self.wfile.write(b'{"error": "too many connections"}')

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
def alert(system):
    """The alert that fires while the system is broken, as the demo's monitoring has it; `rule` is what it measures."""
    pytest.importorskip("psycopg", reason="pip install 'runbookctl[demo]'")
    from runner.lab.programs.app import JsonHandler  # noqa: PLC0415 - it needs psycopg
    from runner.lab.programs.monitor import MeasuredAlert, Monitor  # noqa: PLC0415 - as above

    class LinkedAlert(MeasuredAlert):
        """One that says where it sends whoever it wakes."""

        runbook = "RUN-001"

        def as_data(self, at):
            data = super().as_data(at)
            url = {"runbook_url": f"https://runbooks.example.com/{self.runbook}"}
            return {**data, "alerts": [{**each, "annotations": url} for each in data["alerts"]]}

    rule = LinkedAlert("ShopDown", "down", lambda: float(not system.well), 0.5)
    watching = Monitor((rule,), {"down": lambda: float(not system.well)}, lambda: datetime.now(UTC))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(JsonHandler, watching.answer))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    source = {"prometheus": f"http://127.0.0.1:{server.server_port}", "alert": "ShopDown", "data": "down"}
    look = Verification(says="ShopDown fires", kinds=(AlertFiring(alert_firing=source),), within=timedelta(seconds=20))
    yield look, rule
    server.shutdown()
    thread.join()
    server.server_close()


class Runs:
    """Does runs: each leaves `events` in a log, and sends `pages`; with `mends` the system is well afterwards."""

    def __init__(self, system, log, receiver):
        self.system, self.log, self.receiver = system, log, receiver
        self.mends, self.passes, self.events, self.pages = True, True, [], []
        self.outcome = Outcome.FAILED

    def start(self, request, began):
        self.began = began
        seen = self.system.asked
        while self.system.asked < seen + 2:  # the probe sees how the system is meanwhile
            time.sleep(0.01)
        self.system.well = self.system.well or self.mends
        self.log.append(*(dataclasses.replace(event, run=request.run_id) for event in self.events))
        for name, page in self.pages:
            url = f"{self.receiver.url}{name}"
            urllib.request.urlopen(urllib.request.Request(url, json.dumps(page).encode(), method="POST")).close()
        outcome = self.outcome if not self.passes else Outcome.PASSED
        code = ExitCode.DONE if self.passes else ExitCode.FAILED
        return Result(request.run_id, outcome, code, Path("report.html"), self.log.path)


@pytest.fixture
def receiver():
    with Receiver.listening() as opened:
        yield opened


@pytest.fixture
def runs(system, log, receiver):
    return Runs(system, log, receiver)


@pytest.fixture
def rehearse(system, runs, clock, receiver):
    """A drill of RUN-001 as it is, but for `changes`; what it came to, and the words that were said."""

    def do(test=DrillTest.AS_WRITTEN, *, patience=30.0, stopped=lambda said: "", **changes):
        library, said = Library.shipped(), []
        source = library.usable("RUN-001")
        (drill,) = source.runbook.drill
        kinds = tuple(
            kind.model_copy(update={"http": kind.http.model_copy(update={"url": f"http://edge:{system.port}/health"})})
            for kind in drill.probe.look.kinds
        )
        look = drill.probe.look.model_copy(update={"kinds": kinds})
        probe = drill.probe.model_copy(update={"look": look, **changes.pop("probe", {})})
        drill = drill.model_copy(update={"probe": probe, "expect_alert": None, **changes})
        task = DrillTask(library, source, drill, test, system, system.inventory(), "lab")
        conditions = DrillConditions(
            start=runs.start,
            say=lambda moment: said.append(moment.word),
            clock=clock,
            new_run_id=lambda: "20260101T000000Z-00000001",
            secrets={}.__getitem__,
            switchboard=Switchboard.recording(REAL, receiver),
            patience=patience,
            stopped=lambda: stopped(said),
        )
        return do_drill(task, conditions), said

    return do


def test_one_that_is_mended_and_proven_is_passed_and_undone(system, rehearse):
    result, said = rehearse()

    assert (result.verdict, result.reasons, said) == (
        DrillVerdict.PASSED,
        (),
        ["well", "fault", "seen", "symptom", "run", "ended", "proven", "undo"],
    )
    assert result.outage > 0
    assert result.bad > 0
    assert result.proofs == ("No session of the nightly report is left", "No order is lost")
    assert system.played == [
        ("the fault", "1s", ["leak", "symptom"]),
        ("the proof", "1s", ["nobody-leaks", "orders-kept"]),
        ("the undo of the drill", "1s", ["stop-the-report"]),
    ]


def test_its_run_is_told_by_the_clock_of_the_drill(rehearse, runs, clock):
    result, _ = rehearse()

    now = clock()
    assert now.monotonic - runs.began == (now.wall - result.began).total_seconds()


def test_an_undo_that_fails_on_hosts_that_are_thrown_away_fails_this_drill_alone(system, rehearse):
    system.undo = "db1: Job for postgresql.service failed."

    result, said = rehearse()

    assert (result.verdict, result.reasons) == (
        DrillVerdict.FAILED,
        ("the undo of the drill failed: db1: Job for postgresql.service failed.",),
    )
    assert said[-2:] == ["proven", "NOT UNDONE"]


def test_whoever_interrupts_the_undo_is_told_that_it_was_done(system, rehearse):
    system.interrupted, said = True, []

    with pytest.raises(KeyboardInterrupt):
        rehearse(stopped=lambda words: said.append(words) or "")

    assert (said[-1][-1], system.well) == ("undo", True)


def test_of_a_long_answer_the_end_is_told_from_a_whole_word_on():
    reason = (
        'remaining connection slots are reserved for roles with privileges of the "pg_use_reserved_connections" role'
    )
    seen = {"status": 503, "json": {"error": f"connection to server at 127.0.0.1 failed: FATAL: {reason}"}}

    assert brief(Probe(dict, last=ProbeAnswer(good=False, seen=seen))) == f"status 503 (... FATAL: {reason})"


def test_a_symptom_is_looked_for_again_as_a_fault_is_not_felt_everywhere_at_once(system, rehearse):
    (locked,) = Library.shipped().usable("RUN-007").runbook.drill

    rehearse(symptom=locked.symptom, proof=locked.symptom)

    words = "label: within 30s"
    assert [words in system.playbooks[name] for name in ("the fault", "the proof")] == [True, False]


def test_without_remediation_it_stays_broken_and_is_undone(system, rehearse):
    result, said = rehearse(DrillTest.NO_REMEDIATION)

    assert (result.verdict, said) == (DrillVerdict.PASSED, ["well", "fault", "seen", "symptom", "untreated", "undo"])
    assert [name for name, _, _ in system.played] == ["the fault", "the undo of the drill"]


@pytest.mark.parametrize(("called", "verdict"), [(("on-call",), DrillVerdict.PASSED), ((), DrillVerdict.FAILED)])
def test_without_the_runbook_nobody_is_called_who_must_be_even_where_all_is_well(system, rehearse, called, verdict):
    system.breaks = False

    result, _ = rehearse(DrillTest.NO_REMEDIATION, called=called, probe={"uninterrupted": True})

    assert result.verdict == verdict


def test_without_a_fault_the_runbook_refuses_and_nothing_is_played(system, runs, rehearse):
    runs.passes = False
    runs.events = [Event(EventType.STEP_INTENDED, "", "verify-alert", "db1")]

    result, said = rehearse(DrillTest.NO_FAULT)

    assert (result.verdict, said, system.played) == (DrillVerdict.PASSED, ["well", "run", "ended", "refused"], [])


def test_a_runbook_that_changes_a_healthy_system_has_not_refused_it(runs, rehearse):
    runs.passes = False
    runs.events = [Event(EventType.STEP_INTENDED, "", "terminate-stuck", "db1")]

    result, _ = rehearse(DrillTest.NO_FAULT)

    assert (result.verdict, result.reasons) == (
        DrillVerdict.FAILED,
        ("the runbook began to change a healthy system: terminate-stuck",),
    )


def test_a_runbook_that_passes_on_a_healthy_system_has_not_refused_it(rehearse):
    result, _ = rehearse(DrillTest.NO_FAULT)

    assert (result.verdict, result.reasons) == (DrillVerdict.FAILED, ("the runbook passed on a healthy system",))


def test_what_works_on_a_healthy_system_says_so_and_is_excepted(rehearse):
    result, said = rehearse(DrillTest.NO_FAULT, without_fault="passes")

    assert (result.verdict, result.reasons, said) == (
        DrillVerdict.EXCEPTED,
        ("as the runbook says, a healthy system is worked on, too (incident)",),
        [],
    )


def test_what_nobody_has_seen_broken_is_not_passed(system, rehearse):
    system.breaks = False

    result, said = rehearse(patience=1.0)

    assert (result.verdict, result.is_void, said) == (
        DrillVerdict.FAILED,
        False,
        ["well", "fault", "NOT BROKEN", "undo"],
    )


def test_a_fault_is_told_when_it_begins(system, rehearse):
    system.refuses = True

    result, said = rehearse()

    assert (result.verdict, said) == (DrillVerdict.FAILED, ["well", "fault", "NOT BROKEN", "undo"])


def test_a_system_that_is_not_well_before_is_not_broken(system, rehearse):
    system.well = False

    result, said = rehearse(patience=0.2)

    assert (result.verdict, result.is_void, said, system.played) == (DrillVerdict.FAILED, True, ["NOT WELL"], [])


def test_a_proof_that_does_not_hold_fails_it(system, rehearse):
    system.proof = "db1: 7 orders are lost"

    result, _ = rehearse()

    assert (result.verdict, result.reasons, result.proofs) == (DrillVerdict.FAILED, ("db1: 7 orders are lost",), ())


def test_a_run_that_fails_fails_it_though_the_system_is_well(runs, rehearse):
    runs.passes = False

    result, _ = rehearse()

    assert (result.verdict, result.reasons) == (DrillVerdict.FAILED, ("the run ended as failed, and must have passed",))


@pytest.mark.parametrize("ends", ["passed", "failed"])
def test_one_whose_run_somebody_ends_is_undone_at_once_and_says_nothing_of_the_runbook(system, runs, rehearse, ends):
    runs.passes, runs.mends, runs.outcome = False, False, Outcome.ABORTED

    result, said = rehearse(ends=ends)

    assert (result.is_void, result.reasons) == (True, (f"the run ended as aborted, and must have {ends}",))
    assert (said[-3:], system.well) == (["ended", "ENDED", "undo"], True)


def test_a_run_that_passes_on_a_system_that_stays_broken_fails_it(system, runs, rehearse):
    runs.mends = False

    result, _ = rehearse(budget=timedelta(seconds=0.2))

    assert result.verdict is DrillVerdict.FAILED
    assert result.reasons == ("the probe is still answered badly: status 503 (too many connections)",)


def test_a_system_of_which_one_half_is_mended_is_not_well(system, runs, rehearse):
    begin = runs.start

    def start(request, began):
        system.flickers = True
        return begin(request, began)

    runs.start = start
    result, said = rehearse(budget=timedelta(seconds=1), patience=1.0)

    assert re.fullmatch(r"the probe is (answered well only at times|still answered badly): .*", result.reasons[0])
    assert "proven" not in said


def test_a_system_of_which_one_half_is_broken_before_is_not_broken_further(system, rehearse):
    system.flickers = True

    result, said = rehearse(patience=1.0)

    assert (result.not_begun, said, system.played) == (True, ["NOT WELL"], [])


def test_a_system_that_is_well_only_for_a_moment_is_not_mended(system, rehearse):
    system.relapses = True

    result, said = rehearse()

    assert re.fullmatch(r"when it was well, [1-9]\d* of the next \d+ answers were bad", result.reasons[0])
    assert said[-2:] == ["NOT STEADY", "undo"]


def test_where_no_answer_may_be_bad_one_that_is_fails_it(rehearse):
    result, _ = rehearse(probe={"uninterrupted": True})

    assert result.verdict is DrillVerdict.FAILED
    assert re.fullmatch(r"[1-9]\d* of \d+ answers were bad, and none may be", result.reasons[0])


def test_a_step_that_is_done_for_each_of_several_has_its_tasks_beside_the_playbook(system, rehearse):
    source = Library.shipped().usable("RUN-001")
    fault = source.runbook.drill[0].inject[0].model_copy(update={"each": Each(of=("nightly-report", "weekly-report"))})

    result, _ = rehearse(inject=(fault,))

    named = re.findall(r"file: (\S+)", (system.directory / "inject.yml").read_text())
    assert (result.verdict, named) == (DrillVerdict.PASSED, ["tasks/RUN-001.leak.yml"])
    assert "systemctl" in (system.directory / named[0]).read_text()


def test_a_drill_that_is_done_quickly_waits_for_enough_answers(system, rehearse):
    system.breaks = False

    result, _ = rehearse(probe={"uninterrupted": True})

    assert (result.verdict, result.bad, result.asked >= 20) == (DrillVerdict.PASSED, 0, True)


def test_a_few_answers_prove_nothing(system, rehearse):
    system.breaks = False

    result, _ = rehearse(probe={"uninterrupted": True}, patience=0.5)

    assert (result.verdict, result.bad) == (DrillVerdict.FAILED, 0)
    assert re.fullmatch(r"the probe was asked only \d+ times; 20 prove something", result.reasons[0])


PAGE = {
    "id": "1",
    "time": "2026-01-01T00:00:00+00:00",
    "data": {
        "action": "trigger",
        "dedup_key": "RUN-001/lab",
        "summary": "step failed",
        "severity": "critical",
        "source": "here",
        "component": "RUN-001",
        "group": "lab",
        "details": {},
        "links": [],
    },
}


def test_whoever_would_be_called_unasked_fails_it(runs, rehearse):
    runs.pages = [("on-call", PAGE)]

    result, _ = rehearse()

    assert result.calls == (WouldBeCall("on-call", ("pagerduty",), "trigger", "step failed"),)
    assert result.reasons == ("it would have called on-call, and must call nobody",)


def test_whoever_must_be_called_is(runs, rehearse):
    runs.pages = [("on-call", PAGE)]

    result, _ = rehearse(called=("on-call",))

    assert result.verdict is DrillVerdict.PASSED


def test_what_was_asked_again_until_it_held_was_red(runs, rehearse):
    looks = [("terminate-stuck", "verify/2", ["97", "12"]), ("terminate-stuck", "verify/1", ["0"])]
    runs.events = [
        Event(EventType.VERIFICATION_FINISHED, "", step, "db1", {"part": part, "outcome": "passed", "trend": trend})
        for step, part, trend in looks
    ]

    result, _ = rehearse()

    assert result.red == ("terminate-stuck/2",)
    assert {"verify-alert/1", "terminate-stuck/1", "terminate-stuck/2"} < set(result.verifications)


@pytest.mark.parametrize("variables", [{}, {"runbook_environment": "production"}, {"runbook_environment": "prod"}])
def test_production_is_never_broken(system, rehearse, variables):
    system.variables = variables

    with pytest.raises(InvalidInputError, match="nothing is broken in production, to which edge belongs"):
        rehearse()

    assert system.played == []


def test_where_all_drills_are_stopped_nothing_is_broken(system, rehearse):
    result, said = rehearse(stopped=lambda said: "all drills are stopped")

    assert (result.verdict, result.reasons, said) == (
        DrillVerdict.FAILED,
        ("all drills are stopped",),
        ["well", "undo", "STOPPED"],
    )
    assert [name for name, _, _ in system.played] == ["the undo of the drill"]


def test_one_that_is_stopped_meanwhile_waits_for_nothing_and_is_undone(system, runs, rehearse):
    runs.mends = False

    result, said = rehearse(stopped=lambda said: "somebody needs the hosts" * ("ended" in said))

    assert (result.verdict, said[-2:], system.well) == (DrillVerdict.FAILED, ["undo", "STOPPED"], True)
    assert result.reasons[-1] == "somebody needs the hosts"


def test_monitoring_that_sees_the_fault_and_leads_to_the_runbook_is_told(rehearse, alert):
    look, _ = alert

    result, said = rehearse(expect_alert=look)

    assert (result.verdict, result.alert > 0, said.index("alerted") < said.index("run")) == (
        DrillVerdict.PASSED,
        True,
        True,
    )


def test_an_alert_that_leads_elsewhere_fails_it(rehearse, alert):
    look, rule = alert
    rule.runbook = "RUN-006"

    result, _ = rehearse(expect_alert=look)

    assert result.reasons == ("whoever is woken is led to https://runbooks.example.com/RUN-006, and not to RUN-001",)


def test_monitoring_that_is_blind_fails_it(rehearse, alert):
    look, rule = alert
    rule.limit = 5.0

    result, said = rehearse(expect_alert=look.model_copy(update={"within": timedelta(seconds=2)}))

    assert (result.verdict, "NOT ALERTED" in said) == (DrillVerdict.FAILED, True)
    assert result.reasons[0] == "not within 2 s: ShopDown fires; ShopDown is not firing"


def test_an_alert_that_fires_before_anything_is_broken_is_no_witness(system, rehearse, alert):
    look, rule = alert
    rule.limit = -1.0

    result, _ = rehearse(expect_alert=look)

    reasons = ("before anything was done: ShopDown fires",)
    assert (result.reasons, result.is_void, system.played) == (reasons, True, [])
