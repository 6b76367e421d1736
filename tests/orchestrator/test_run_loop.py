"""The flow: what is asked, done, recorded and told, and with which outcome it ends. Ansible is a stand-in here."""

from __future__ import annotations

import errno
import hashlib
import json
from dataclasses import replace

import pytest
from harness.engine import change
from harness.fake_run import FakeChannel, UnwritableLog, environment_in, request_in
from harness.fakes import RUN_ID, FakeOperator

import runner.orchestrator.run_loop
from runner.compiler.step_digests import step_digests
from runner.core.errors import AuditError, ExecutionError, ExitCode
from runner.core.events import EventType
from runner.executor.job import Ending
from runner.executor.testing import ScriptedExecutor
from runner.orchestrator.run_environment import GateAnswer
from runner.store.log.log_reader import read, verify

NOBODY = {"when": [{"declared": "Too much"}], "contacts": ["on-call"], "provide": ["timeline"]}
"""A policy that calls nobody when a step fails."""

FAILED = ("failed", {"rc": 1, "msg": "non-zero return code"})


def step(name, **keys):
    return {
        "id": name,
        "name": name.capitalize(),
        "command": "df /",
        "verify": [{"exit": 0}],
        "on_failure": "stop",
        **keys,
    }


class Bench:
    """A request, its surroundings and a stand-in for Ansible; `run` does it, `records` is what was recorded."""

    def __init__(self, directory, monkeypatch):
        self.directory, self.ansible, self.channel = directory, ScriptedExecutor(), FakeChannel()
        self.operator, self.heard = FakeOperator(), []
        self.env = environment_in(
            directory, operator=self.operator, listeners=[self.heard.append], executor=self.ansible
        )

    def run(self, *steps, **changes):
        self.request = request_in(
            self.directory, channel=self.channel, **({"steps": list(steps)} if steps else {}), **changes
        )
        return runner.orchestrator.run_loop.run(self.request, self.env)

    @property
    def records(self):
        """What happened; that its files were filed after it is shown in tests/store/test_manifest.py."""
        told = read(self.env.state.audit / "audit.jsonl", run=RUN_ID)
        return [record for record in told if record.type != EventType.RUN_FILED]

    @property
    def kinds(self):
        return [str(record.type) for record in self.records]

    @property
    def outcomes(self):
        finished = [record for record in self.records if record.type == EventType.STEP_FINISHED]
        return {(record.step, record.host): record.data["outcome"] for record in finished}

    @property
    def state(self):
        return json.loads((self.env.state.path / "runs" / RUN_ID / "run.json").read_text())


@pytest.fixture
def bench(tmp_path, monkeypatch):
    return Bench(tmp_path, monkeypatch)


def test_a_run_that_passes(bench):
    result = bench.run()

    assert (result.outcome, result.exit_code, result.problems) == ("passed", ExitCode.DONE, ())
    assert bench.kinds == [
        *("run.started", "span.started", "target.resolved", "step.intended", "action.finished"),
        *("verification.finished", "step.finished", "span.finished", "run.finished"),
    ]
    assert [event.type for event in bench.heard] == bench.kinds
    assert result.report.is_file()
    assert verify(result.audit).runs == 1
    assert (bench.state["status"], bench.state["outcome"], bench.state["private"]) == ("finished", "passed", [])


def test_the_first_record_says_what_was_asked_for_and_from_which_files(bench):
    bench.run(step("look", undo={"command": "true", "verify": [{"exit": 0}]}))

    told = bench.records[0].data
    assert (told["runbook"], told["runbook_sha256"]) == ("RUN-001", bench.request.source.sha256)
    assert told["playbook_sha256"] == hashlib.sha256(bench.request.playbook).hexdigest()
    assert told["inventories"] == [str(bench.directory / "inventory.yml")]
    place = f"{bench.directory / 'runbooks' / 'RUN-001.yml'}:"
    source = bench.request.source
    lines = source.text.decode().splitlines()
    (looked,), (undone,) = told["steps"], told["undo"]
    at, undone_at = (int(each.pop("place").removeprefix(place)) for each in (looked, undone))
    look = {"id": "look", "name": "Look", "effect": "change", "verify": ["Exit code is 0"], "does": looked["does"]}
    assert looked == look | {"digest": step_digests(source)["look"]}
    assert ("id: look" in lines[at - 1], "undo:" in lines[undone_at - 2]) == (True, True)
    assert undone == {
        "id": "undo-look",
        "name": "Undo: Look",
        "effect": "change",
        "verify": ["Exit code is 0"],
        "does": "true",
    }


def test_steps_without_a_gate_between_them_are_one_span(bench):
    bench.run(step("one"), step("two"), step("three", approve="Go on?"), step("four"))

    assert [tags for tags, _ in bench.ansible.calls] == [("step-one", "step-two"), ("step-three", "step-four")]


def test_a_failed_step_stops_the_run_and_what_follows_is_never_reached(bench):
    bench.ansible.answers["one", "action"] = FAILED

    result = bench.run(step("one"), step("two"), step("three", approve="Go on?"))

    assert (result.outcome, result.exit_code) == ("failed", ExitCode.FAILED)
    assert bench.outcomes == {
        ("one", "db1"): "failed",
        ("two", "db1"): "never reached",
        ("three", "db1"): "never reached",
    }
    assert (bench.operator.asked, bench.channel.sent) == ([], [])


def test_a_step_that_escalates_calls_and_the_exit_code_says_so(bench):
    bench.ansible.answers["one", "verify/1"] = ("failed", {"assertion": "rc == 0", "msg": "Assertion failed"})

    result = bench.run(step("one", on_failure="escalate"))

    assert (result.outcome, result.exit_code) == ("failed", ExitCode.ESCALATED)
    assert bench.channel.actions == ["trigger"]
    assert bench.kinds[-2:] == ["page.finished", "run.finished"]


def test_a_page_that_does_not_arrive_is_the_worst_there_is(bench):
    bench.ansible.answers["one", "action"], bench.channel.status = FAILED, "refused"

    result = bench.run(step("one", on_failure="escalate"))

    assert (result.exit_code, result.problems) == (
        ExitCode.PAGING,
        ("on-call was not reached by fake: nobody is there",),
    )
    assert bench.records[-1].data["problems"] == list(result.problems)


def test_a_host_that_can_not_be_reached_is_not_a_host_that_failed(bench):
    bench.ansible.answers["one", "action"] = ("unreachable", {"unreachable": True, "msg": "no route"})

    result = bench.run(step("one"), escalation=NOBODY)

    assert (result.outcome, result.exit_code) == ("unreachable", ExitCode.UNREACHABLE)


def test_a_host_that_is_lost_calls_whatever_the_step_says_as_it_was_never_judged(bench):
    bench.ansible.answers["one", "action"] = ("unreachable", {"unreachable": True, "msg": "no route"})

    result = bench.run(step("one", on_failure="stop"))

    assert (result.exit_code, bench.channel.actions) == (ExitCode.ESCALATED, ["trigger"])


def test_a_prerequisite_that_does_not_hold_calls(bench):
    bench.ansible.answers["prerequisite-1", "action"] = FAILED

    result = bench.run(step("one"), prerequisites=[{"name": "Is there", "command": "true", "verify": [{"exit": 0}]}])

    assert (result.exit_code, bench.channel.actions) == (ExitCode.ESCALATED, ["trigger"])


@pytest.mark.parametrize("status", ["accepted", "refused"])
def test_a_run_that_passes_is_done_whatever_became_of_a_page(bench, status):
    bench.ansible.answers["one", "action"] = FAILED
    bench.run(step("one", on_failure="escalate"))
    bench.ansible.answers.clear()
    bench.channel.status = status
    again = request_in(bench.directory, channel=bench.channel, steps=[step("one", on_failure="escalate")])

    result = runner.orchestrator.run_loop.run(
        type(again)(**{**vars(again), "run_id": RUN_ID[:-8] + "ffffffff"}), bench.env
    )

    lost = () if status == "accepted" else ("on-call was not reached by fake: nobody is there",)
    assert (result.outcome, result.exit_code, result.problems) == ("passed", ExitCode.DONE, lost)


def test_one_host_that_fails_stops_all_but_each_has_its_own_outcome(bench):
    bench.ansible.hosts["all"] = ["good", "bad"]
    bench.ansible.answers["one", "action", "bad"] = FAILED

    result = bench.run(step("one"), step("two"))

    assert result.exit_code == ExitCode.FAILED
    assert bench.outcomes == {
        ("one", "good"): "passed",
        ("one", "bad"): "failed",
        ("two", "good"): "never reached",
        ("two", "bad"): "never reached",
    }


def test_continue_goes_on_and_is_not_green(bench):
    bench.ansible.answers["one", "action"] = FAILED

    result = bench.run(step("one", on_failure="continue"), step("two"), escalation=NOBODY)

    assert (result.outcome, bench.outcomes) == ("failed", {("one", "db1"): "failed", ("two", "db1"): "passed"})


def test_undo_takes_back_what_was_begun_newest_first_and_only_there(bench):
    bench.ansible.hosts["all"] = ["good", "bad"]
    bench.ansible.answers["two", "action", "bad"] = FAILED
    undo = {"command": "true", "verify": [{"exit": 0}]}

    result = bench.run(
        step("one", undo=undo), step("two", undo=undo, on_failure="undo"), step("three", undo=undo), escalation=NOBODY
    )

    assert result.outcome == "failed"
    assert bench.ansible.calls[1:] == [(("step-undo-two",), ()), (("step-undo-one",), ())]
    assert {key: outcome for key, outcome in bench.outcomes.items() if "undo" in key[0]} == {
        (f"undo-{name}", host): "passed" for name in ("one", "two") for host in ("good", "bad")
    }


def test_nothing_runs_before_the_person_at_the_gate_says_yes(bench):
    bench.operator.answers["act"] = GateAnswer(yes=False, by="alice", note="not now")

    result = bench.run(step("act", approve="Go?"))

    assert (result.outcome, result.exit_code) == ("aborted", ExitCode.DENIED)
    assert bench.ansible.calls == [("resolve", ("act",))]
    assert bench.kinds[1:5] == ["target.resolved", "gate.asked", "vote.given", "gate.answered"]
    assert bench.channel.sent == []


def test_the_person_is_told_the_hosts_and_what_earlier_steps_captured(bench):
    seen = []
    bench.operator.answer = lambda _, view: (
        seen.append((view.hosts, dict(view.captured), view.context.hosts["db1"].text)) or GateAnswer(yes=True, by="al")
    )

    bench.run(step("look", capture={"pids": "stdout"}), step("act", approve="Go?"))

    assert seen == [(["db1"], {"db1": {"pids": "pids of db1"}}, "df /")]
    assert bench.state["captured"] == {"db1": {"pids": "pids of db1"}}


def test_a_manual_step_and_a_confirmation_pass_by_a_persons_word(bench):
    result = bench.run(
        {"id": "walk", "name": "Walk", "manual": "Walk there", "verify": [{"confirm": "You are there"}]},
        step("look", verify=[{"exit": 0}, {"confirm": "It looks well"}]),
    )

    assert (result.outcome, [(kind, name) for kind, name, _ in bench.operator.asked]) == (
        "passed",
        [("manual", "walk"), ("confirm", "walk"), ("confirm", "look")],
    )
    answers = [record.data for record in bench.records if record.type == EventType.GATE_ANSWERED]
    assert [(answer["part"], answer["by"]) for answer in answers] == [
        ("action", "alice"),
        ("verify/1", "alice"),
        ("verify/2", "alice"),
    ]


@pytest.mark.parametrize(("yes", "code"), [(True, ExitCode.DONE), (False, ExitCode.ESCALATED)])
def test_what_the_operator_declares_calls_at_once_and_the_question_is_put_again(bench, yes, code):
    bench.operator.answers["act"] = GateAnswer(yes=yes, by="alice", declared="Too much")

    result = bench.run(step("act", approve="Go?"), escalation=NOBODY)

    assert (result.exit_code, bench.operator.asked) == (code, [("approve", "act", ("db1",))] * 2)
    assert bench.channel.actions == (["trigger", "resolve"] if yes else ["trigger"])
    assert bench.channel.sent[0].details["what happened"].endswith("Declared by alice: Too much.")
    assert [kind for kind in bench.kinds if kind in {"gate.asked", "escalation.declared", "gate.answered"}] == [
        *("gate.asked", "escalation.declared", "gate.answered"),
    ]


def test_a_later_run_that_passes_ends_the_incident(bench):
    bench.ansible.answers["one", "action"] = FAILED
    bench.run(step("one", on_failure="escalate"))
    bench.ansible.answers.clear()
    again = request_in(bench.directory, channel=bench.channel, steps=[step("one", on_failure="escalate")])

    result = runner.orchestrator.run_loop.run(
        type(again)(**{**vars(again), "run_id": RUN_ID[:-8] + "ffffffff"}), bench.env
    )

    assert (result.exit_code, bench.channel.actions) == (ExitCode.DONE, ["trigger", "resolve"])


def test_what_was_cancelled_before_it_began_does_nothing(bench):
    bench.env.cancellation.request("SIGTERM")

    result = bench.run()

    assert (result.outcome, result.exit_code, bench.ansible.calls) == ("aborted", ExitCode.INTERRUPTED, [])


def test_a_cancelled_run_calls_nobody_and_what_was_going_on_is_unknown(bench):
    def cancelled(_):
        bench.env.cancellation.request("SIGINT")
        raise StoppedHereError

    class StoppedHereError(Exception):
        pass

    bench.ansible.answers["one", "action"] = cancelled
    real = bench.ansible.execute

    def execute(*arguments, **options):
        try:
            return real(*arguments, **options)
        except StoppedHereError:
            return Ending("cancelled")

    bench.ansible.execute = execute

    result = bench.run(step("one", on_failure="escalate"), step("two"))

    assert (result.outcome, result.exit_code, bench.channel.sent) == ("aborted", ExitCode.INTERRUPTED, [])
    assert bench.outcomes == {("one", "db1"): "unknown", ("two", "db1"): "never reached"}


@pytest.mark.parametrize(("why", "how"), [("orphaned", "died"), ("cancelled", "was stopped from outside")])
def test_a_supervisor_that_somebody_else_ended_is_no_success(bench, why, how):
    bench.ansible.ending = Ending(why)

    result = bench.run(step("one"), step("two", approve="Go?"))

    assert (result.outcome, result.exit_code) == ("never reached", ExitCode.ESCALATED)
    assert bench.channel.actions == ["trigger"]
    assert (result.problems, result.hint) == (
        (f"the process on this machine that runs Ansible {how}; what it had started was ended",),
        "",  # the commands to type next say how to go on
    )


def test_to_be_stopped_while_the_hosts_are_looked_up_is_to_be_interrupted(bench):
    def stopped(*_):
        bench.env.cancellation.request("SIGINT")
        raise ExecutionError("stopped before Ansible had named the hosts")

    bench.ansible.resolve = stopped

    result = bench.run(step("act", approve="Go?"))

    assert (result.outcome, result.exit_code) == ("aborted", ExitCode.INTERRUPTED)


def test_a_system_that_has_no_room_left_fails_the_run_and_it_ends_as_one(bench):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/runbook-x")

    bench.ansible.execute = full

    result = bench.run(escalation=NOBODY)

    assert (result.exit_code, result.problems) == (ExitCode.FAILED, ("/tmp/runbook-x: No space left on device",))
    assert bench.state["status"] == "finished"


def test_a_pattern_that_matches_nothing_is_an_error_and_no_success(bench):
    bench.ansible.hosts["all"] = []

    result = bench.run(escalation=NOBODY)

    assert (result.outcome, result.exit_code, result.hint[:4]) == ("never reached", ExitCode.UNREACHABLE, "name")
    assert "has no host" in result.problems[0]


def test_an_inventory_that_names_other_hosts_later_is_not_followed(bench):
    def grow(_):
        bench.ansible.hosts["all"] = ["db1", "db2"]

    bench.ansible.answers["one", "action"] = grow

    result = bench.run(step("one"), step("two", approve="Go?"), escalation=NOBODY)

    assert (result.exit_code, bench.outcomes["two", "db1"]) == (ExitCode.FAILED, "never reached")
    assert result.problems == ("the inventory names other hosts than at the start: db2",)


def test_an_environment_nobody_knows_is_an_error(bench):
    bench.ansible.environments["db1"] = "prod"

    result = bench.run()

    assert (result.exit_code, result.problems) == (ExitCode.INVALID, ("db1: runbook_environment is 'prod'",))


def test_what_can_not_be_recorded_ends_the_run_at_once(bench):
    def refuse(event, *_):
        if event.type is EventType.STEP_INTENDED:
            raise AuditError("the disk is full")

    bench.env = replace(bench.env, state=UnwritableLog(bench.env.state.path, refuse))

    result = bench.run(step("one"))

    assert (result.exit_code, result.problems) == (ExitCode.AUDIT, ("the disk is full",))
    assert bench.kinds == [
        *("run.started", "span.started", "target.resolved", "step.finished"),
        *("notify.requested", "page.finished", "run.finished"),
    ]
    assert bench.channel.sent[0].details["not recorded"] == "the disk is full"


@pytest.mark.parametrize(
    ("answer", "due"),
    [(("ok", {"rc": 0}), ["Write it down", "Tell them"]), (FAILED, ["Write it down", "Find out why"])],
)
def test_what_is_left_to_do_depends_on_the_outcome(bench, answer, due):
    bench.ansible.answers["one", "action"] = answer
    left = ["Write it down", {"do": "Tell them", "if": "passed"}, {"do": "Find out why", "if": "failed"}]

    bench.run(step("one"), follow_up=[*left, {"do": "Review the call", "if": "escalated"}])

    assert bench.records[-1].data["follow_up"] == due


def test_inputs_reach_the_playbook_a_duration_in_seconds_too(bench):
    jobs = []
    real = bench.ansible.execute
    bench.ansible.execute = lambda job, *arguments, **options: jobs.append(job) or real(job, *arguments, **options)
    request = request_in(bench.directory, inputs={"wait": {"type": "duration", "help": "How long"}})

    runner.orchestrator.run_loop.run(type(request)(**{**vars(request), "inputs": {"wait": "2m"}}), bench.env)

    assert dict(jobs[0].inputs) == {"wait": "2m", "wait_seconds": 120.0}


def test_a_step_that_a_person_skips_calls_nobody(bench):
    bench.operator.answers["one"] = GateAnswer(yes=False, by="alice", instead="skip")
    policy = {**NOBODY, "when": ["step_failed"]}

    bench.request = request_in(
        bench.directory,
        channel=bench.channel,
        steps=[step("one", on_failure="escalate"), step("two")],
        escalation=policy,
    )
    result = runner.orchestrator.run_loop.run(replace(bench.request, mode="step"), bench.env)

    assert (result.outcome, bench.outcomes["one", "db1"], bench.channel.actions) == ("skipped", "skipped", [])


@pytest.mark.parametrize(
    ("share", "outcome"), [("67%", "passed"), ("99%", "passed"), (2, "passed"), ("66%", "never reached")]
)
def test_a_share_of_the_hosts_may_fail_from_the_first_step_on(bench, share, outcome):
    bench.ansible.hosts = {"all": ["a", "b", "c"]}
    bench.ansible.answers = dict.fromkeys([("one", "action", "a"), ("one", "action", "b")], FAILED)
    told = []
    real = bench.ansible.execute
    bench.ansible.execute = lambda job, part, **options: told.append(part.settings) or real(job, part, **options)

    bench.run(step("one"), step("two", approve="Go on?"), max_failures=share)

    assert (told[0], bench.outcomes["two", "c"]) == ({"runbook_may_fail": 1 if share == "66%" else 2}, outcome)


def test_the_first_record_has_all_that_decides_what_a_step_does_as_it_is_written(bench):
    given = {"env": {"WHO": "{{ x }}"}, "chdir": "/srv", "become_user": "app"}
    bench.run(step("one", **given), inputs={"x": {"help": "X", "default": "y"}})

    written = bench.records[0].data["steps"][0]["does"].splitlines()
    assert written[1:] == ["env WHO={{ x }}", "chdir /srv", "become app"]


def test_what_one_machine_does_for_others_is_recorded_of_them_and_asked_about_with_that_machine(engine):
    # Given a step that the balancer does for each host
    engine.ansible.hosts = {"all": ["web1", "web2"], "lb": ["lb1"]}
    engine.ansible.inventory = {"machines": {"web1": "::1", "web2": "::2", "lb1": "::9"}}

    # When
    result = engine.run(change("drain", on="lb", approve="Drain?"), serial=1)

    # Then
    assert (result.outcome, engine.outcomes["drain", "web2"]) == ("passed", "passed")
    begun = [record for record in engine.records if record.type == EventType.STEP_INTENDED]
    assert [(record.step, record.host, record.data["on"]) for record in begun] == [
        ("drain", "web1", "lb1"),
        ("drain", "web2", "lb1"),
    ]
    looked = [record for record in engine.records if record.type == EventType.VERIFICATION_FINISHED]
    assert [(record.host, record.data["on"]) for record in looked] == [("web1", "lb1"), ("web2", "lb1")]
    asked = [record.data["context"]["hosts"] for record in engine.records if record.type == EventType.GATE_ASKED]
    where = [{host: (action["on"], action["address"]) for host, action in hosts.items()} for hosts in asked]
    assert where == [{"web1": ("lb1", "::9")}, {"web2": ("lb1", "::9")}]
    assert all(action["text"] for hosts in asked for action in hosts.values())
    assert engine.state["delegates"] == {"lb": ["lb1"]}


class WhileAsked(FakeOperator):
    """Somebody changes something while the question waits."""

    def answer(self, gate, view):
        self.change()
        return super().answer(gate, view)


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        ({"delegates": {"lb": ["lb2"]}}, "the machine that does it was `lb1` and is now `lb2`"),
        ({"machines": {"web1": "::1", "lb1": "::8"}}, "address was `::9` and is now `::8`"),
    ],
)
def test_an_approval_is_void_when_another_machine_would_do_it(engine, now, sentence):
    engine.ansible.hosts = {"all": ["web1"], "lb": ["lb1"]}
    engine.ansible.inventory = {"machines": {"web1": "::1", "lb1": "::9"}}
    operator = WhileAsked()
    operator.change = lambda: engine.ansible.inventory.update(now)
    engine.env = replace(engine.env, operator=operator)

    result = engine.run(change("drain", on="lb", approve="Drain?"))

    assert (result.exit_code, engine.done("web1")) == (ExitCode.DENIED, [])
    assert sentence in result.problems[0]
