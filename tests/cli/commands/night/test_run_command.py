"""`runbook run`, in a pipe and on a terminal: what is printed where, how it is stopped, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import time

import pytest
from harness.fakes import runbook_file
from harness.fault_server import FaultServer
from harness.scripted_terminal import ended, terminals

from runner.store.log.log_reader import read

FAILED = ("failed", {"rc": 1, "stderr": "no \x1b[31mspace", "msg": "non-zero return code"})
NOBODY = {"when": [{"declared": "Too much"}], "contacts": ["on-call"], "provide": ["timeline"]}
RUN = ("run", "RUN-001", "-i", "inventory.yml")


def step(name, **keys):
    return {
        "id": name,
        "name": name.capitalize(),
        "command": "df /",
        "verify": [{"exit": 0}],
        "on_failure": "stop",
        **keys,
    }


def run_id(here):
    (found,) = (path.name for path in (here / ".runbook" / "runs").iterdir())
    return found


def untimed(text):
    return re.sub(r"^ *[0-9]+\.[0-9]s ", "TIME ", text, flags=re.MULTILINE)


def test_a_run_that_passes_tells_its_steps_on_stderr_and_its_result_on_stdout(runbook, library, ansible, here):
    ran = runbook(*RUN)

    name = run_id(here)
    assert (ran.code, untimed(ran.err).splitlines()) == (
        0,
        [
            f"TIME  run {name} of RUN-001 Disk is full",
            "TIME  local: db1",
            "TIME  begins   Look at the disk on db1",
            "TIME  ok       Exit code is 0 on db1",
            "TIME  passed   Look at the disk on db1",
        ],
    )
    assert ran.out.splitlines() == [
        f"passed  run {name}",
        f"report  {here / '.runbook' / 'runs' / name / 'report.html'}",
        f"audit   {here / '.runbook' / 'audit' / 'audit.jsonl'}",
    ]


def test_as_json_there_is_an_object_for_each_event_and_then_the_result(runbook, library, ansible, here):
    ran = runbook(*RUN, "--json")

    *events, result = map(json.loads, ran.out.splitlines())
    *recorded, filed = [str(record.type) for record in read(here / ".runbook" / "audit" / "audit.jsonl")]
    assert ([event["type"] for event in events], filed, ran.err) == (recorded, "run.filed", "")
    assert result == {
        "type": "result",
        "run": run_id(here),
        "outcome": "passed",
        "exit_code": 0,
        "happened": "every verification has passed on every host",
        "hosts": {"verified": ["db1"]},
        "calls": [],
        "children": [],
        "next": [],
        "follows": None,
        "acknowledged": "",
        "remarks": [],
        "report": str(here / ".runbook" / "runs" / run_id(here) / "report.html"),
        "audit": str(here / ".runbook" / "audit" / "audit.jsonl"),
        "problems": [],
        "hint": "",
    }


def test_a_run_that_fails_has_the_exit_code_and_no_escape_sequence_reaches_a_pipe(runbook, library, ansible):
    library(steps=[step("one")])
    ansible.answers["one", "action"] = FAILED

    ran = runbook(*RUN)

    assert ran.code == 1
    assert ran.out.startswith("failed  run ")
    assert "\x1b" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ([], "there is no terminal to ask on; --yes answers in advance"),
        (["--confirm", "act"], "there is no terminal to ask on; --yes answers in advance"),
        (["--yes"], "there is no terminal to ask on; --confirm act answers in advance"),
    ],
)
def test_a_question_without_a_terminal_is_denied_with_the_flag_that_answers_it(runbook, library, ansible, words, hint):
    library(steps=[step("act", approve="Act?", verify=[{"exit": 0}, {"confirm": "It is well"}])])

    ran = runbook(*RUN, *words)

    assert ran.code == 4
    assert f"TIME  no       Act: nobody: {hint}" in untimed(ran.err).splitlines()


def test_who_waits_in_vain_for_an_answer_is_told_so(runbook, library, ansible):
    library(steps=[step("act", approve="Act?")], escalation=NOBODY)

    ran = runbook(*RUN, "--wait", "1s")

    assert ran.code == 4
    told = "TIME  no       Act: nobody: nobody has answered while the run waited; see --wait"
    assert told in untimed(ran.err).splitlines()


def test_what_was_answered_in_advance_is_not_asked(runbook, library, ansible):
    library(steps=[step("act", approve="Act?", verify=[{"exit": 0}, {"confirm": "It is well"}])])

    assert runbook(*RUN, "--yes", "--confirm", "act").code == 0


def test_problems_and_a_hint_are_on_stderr(runbook, library, ansible):
    library(escalation=NOBODY)
    ansible.hosts["all"] = []

    ran = runbook(*RUN)

    assert ran.code == 5
    assert ran.err.splitlines()[-2:] == [
        "error: the step 'look' (runbooks/RUN-001.yml:14) has no host: the inventory and --limit leave none of 'all'",
        "hint: name the inventory with -i, and look at --limit and the inventory's groups",
    ]


def test_a_playbook_that_was_not_compiled_anew_is_not_run(runbook, library, ansible, here):
    (here / "playbooks" / "RUN-001.yml").write_text("- hosts: all\n")

    ran = runbook(*RUN)

    assert (ran.code, ansible.calls, (here / ".runbook").exists()) == (2, [], False)
    assert "is not what RUN-001.yml compiles to" in ran.err


def test_values_and_limit_reach_the_run(runbook, library, ansible, here):
    library(inputs={"count": {"type": "int", "help": "How many"}})

    ran = runbook(*RUN, "-e", "count=3", "-l", "db1")

    data = {record.type: record.data for record in read(here / ".runbook" / "audit" / "audit.jsonl")}
    assert (ran.code, data["inputs.given"]["inputs"], data["run.started"]["limit"]) == (0, {"count": 3}, "db1")


def test_a_state_that_others_may_write_to_is_refused_before_anything_is_done(runbook, library, ansible, here):
    (here / ".runbook").mkdir()
    (here / ".runbook").chmod(0o777)

    ran = runbook(*RUN)

    assert (ran.code, ansible.calls) == (2, [])


def test_the_handlers_of_signals_are_given_back(runbook, library, ansible):
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]

    runbook(*RUN)

    assert [signal.getsignal(number) for number in numbers] == before


def test_a_signal_while_steps_run_stops_the_run(runbook, library, ansible):
    library(steps=[step("one"), step("two", approve="Go on?")])
    ansible.answers["one", "action"] = lambda _: os.kill(os.getpid(), signal.SIGTERM)

    ran = runbook(*RUN, "--yes")

    assert (ran.code, ran.out.split()[0], len(ansible.calls)) == (130, "aborted", 1)


@pytest.fixture
def terminal(here):
    """`runbook run` on a terminal of its own, the stand-in for Ansible behind it."""
    with terminals(here, RUN, columns=100) as start:
        yield start


@pytest.fixture
def asking(library):
    library(steps=[step("look"), step("act", approve="Act now?", verify=[{"exit": 0}, {"confirm": "It is well"}])])


def test_on_a_terminal_a_person_is_asked_and_the_table_goes_on_below(terminal, asking, here):
    child = terminal()
    child.expect(r"Go ahead\? \(y\)es, \(n\)o, \(e\)scalate: ")
    child.sendline("y")
    child.expect(r"Is this so\? \(y\)es, \(n\)o, \(e\)scalate: ")
    child.sendline("y")
    child.expect("Note for the record, or Enter for none: ")
    child.sendline("all green")

    shown, code = ended(child)

    answers = [
        record.data for record in read(here / ".runbook" / "audit" / "audit.jsonl") if record.type == "gate.answered"
    ]
    assert code == 0, shown
    assert [(answer["part"], answer["outcome"], answer["note"]) for answer in answers] == [
        ("approve", "passed", ""),
        ("verify/2", "passed", "all green"),
    ]
    assert "\x1b[" in shown
    assert "passed  run" in shown


def test_a_report_that_is_longer_than_the_terminal_is_drawn_as_well(runbook, library, ansible, here):
    library(steps=[step("one")])
    runbook(*RUN)

    with terminals(here, ["show"], columns=100) as start:
        shown, code = ended(start("last", PAGER="cat"))

    assert (code, "| Run |" in shown, "What was done" in shown) == (0, False, True)


@pytest.mark.parametrize(
    ("stop", "why"),
    [
        (lambda child: child.sendintr(), "SIGINT"),
        (lambda child: child.kill(signal.SIGTERM), "SIGTERM"),
        (lambda child: child.sendeof(), "end of input"),
    ],
    ids=["Ctrl-C", "SIGTERM", "Ctrl-D"],
)
def test_a_question_can_be_interrupted_and_the_run_ends_at_once(terminal, asking, here, stop, why):
    child = terminal()
    child.expect(r"\(e\)scalate: ")
    time.sleep(0.1)

    stop(child)

    shown, code = ended(child)
    last, _filed = list(read(here / ".runbook" / "audit" / "audit.jsonl"))[-2:]
    assert (code, last.type, last.data["outcome"]) == (130, "run.finished", "aborted"), shown
    assert "Traceback" not in shown


def test_who_wants_no_colour_sees_none(terminal, asking):
    child = terminal("--yes", "--confirm", "act", NO_COLOR="1")

    shown, code = ended(child)

    assert code == 0, shown
    assert not re.findall(r"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|9[0-7]|38)[0-9;]*m", shown)


def test_a_terminal_that_can_do_nothing_gets_plain_lines(terminal, asking):
    child = terminal("--yes", "--confirm", "act", TERM="dumb")

    shown, code = ended(child)

    assert (code, "\x1b" in shown) == (0, False), shown


WALK = {"id": "walk", "name": "Walk", "manual": "Walk there", "verify": [{"command": "true"}]}
PICK = [
    step("list", effect="read", capture={"found": "stdout_lines"}),
    step("kill", choose={"pids": {"from": "found"}}, command="kill {{ pids }}"),
]


@pytest.mark.parametrize(
    ("steps", "words", "message", "hint"),
    [
        (
            [WALK],
            ("--confirm", "nosuch"),
            "--confirm nosuch: no step of that name is done or confirmed by a person",
            "there is walk",
        ),
        (
            [step("one")],
            ("--confirm", "one"),
            "--confirm one: no step of that name is done or confirmed by a person",
            "RUN-001 has nothing to confirm",
        ),
        (PICK, ("--choose", "nosuch.x=1"), "--choose nosuch.x: there is no such choice", "there is kill.pids"),
        (
            [step("one")],
            ("--choose", "kill.pids=1"),
            "--choose kill.pids: there is no such choice",
            "RUN-001 has nothing to choose",
        ),
    ],
)
def test_an_answer_in_advance_to_what_is_not_asked_is_refused_before_the_run_begins(
    runbook, library, ansible, here, steps, words, message, hint
):
    library(steps=steps)

    ran = runbook(*RUN, *words)

    assert (ran.code, ran.err.splitlines()[-2:]) == (2, [f"error: {message}", f"hint: {hint}"])
    assert not (here / ".runbook" / "runs").exists()
    assert ansible.calls == []


@pytest.mark.parametrize(
    ("words", "is_there", "pages"),
    [
        (["-e", "no=x"], True, 0),  # somebody reads it, and types it again
        (["-e", "no=x"], False, 1),
        (["-e", "no=x", "--auto"], True, 1),
        (["--choose", "no.such=1"], True, 0),
        (["-i", "nowhere"], True, 0),
    ],
)
def test_a_mistake_of_a_person_at_a_terminal_calls_nobody_whatever_the_runbook_says(
    runbook, library, here, monkeypatch, words, is_there, pages
):
    library(escalation={**NOBODY, "when": ["refused"]})
    monkeypatch.setattr("sys.stdin.isatty", lambda: is_there)
    with FaultServer("200") as server:
        contacts = f"on-call: {{name: On-call, channels: [{{webhook: {{url: '{server.url}'}}}}]}}\n"
        (here / "runbooks" / "contacts.yml").write_text(contacts + "backend-team: {name: Backend}\n")

        ran = runbook("run", "RUN-001", "-i", "inventory.yml", *words)

    assert (ran.code, len(server.events)) == (2, pages), ran


@pytest.mark.parametrize(
    ("auto", "when", "pages"), [(["--auto"], "step_failed", 1), ([], "step_failed", 0), ([], "refused", 1)]
)
def test_a_run_that_cannot_even_begin_calls_where_nobody_reads_that_or_its_runbook_says_so(
    runbook, library, here, auto, when, pages
):
    runbook_file(here, escalation={**NOBODY, "when": [when]})
    (here / "playbooks" / "RUN-001.yml").write_text("# stale\n")
    with FaultServer("200") as server:
        contacts = f"on-call: {{name: On-call, channels: [{{webhook: {{url: '{server.url}'}}}}]}}\n"
        (here / "runbooks" / "contacts.yml").write_text(contacts + "backend-team: {name: Backend}\n")

        ran = runbook("run", "RUN-001", "-i", "inventory.yml", *auto)

    assert ran.code == 2
    summaries = [event["data"]["summary"] for event in server.events]
    assert [summary.split(": ")[1] for summary in summaries] == ["could not begin"] * pages
    assert ("it arrived" in ran.err) is bool(pages)
    if pages:
        assert runbook("audit", "verify").code == 0


CALLED = {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline"]}


@pytest.fixture
def full(small_disk, monkeypatch):
    """A state directory on a disk that is full: a directory is still made, and nothing can be written."""
    monkeypatch.setenv("RUNBOOK_STATE", str(small_disk / "state"))
    (small_disk / "state").mkdir(mode=0o700)
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filler").write_bytes(b"x" * 1_000_000)
    return small_disk


def test_a_run_that_cannot_begin_on_a_full_disk_calls_with_all_that_there_is_to_know_and_is_resolved_later(
    runbook, library, ansible, here, full
):
    library(severity="P1", escalation=CALLED)
    with FaultServer("503") as server:
        text = f"{{name: On-call, channels: [{{webhook: {{url: '{server.url}'}}}}]}}"
        (here / "runbooks" / "contacts.yml").write_text(f"on-call: {text}\nbackend-team: {{name: Backend}}\n")
        refused = runbook(*RUN, "--reason", "MON-005 fires")
        first = server.events[-1]["data"]
        # what did not arrive is sent again by the next command, and what has is resolved by the run that passes
        server.modes = ("200",)
        flushed = runbook("notify", "flush")
        (full / "filler").unlink()
        passed = runbook(*RUN)
        sent = [(event["data"]["action"], event["data"]["dedup_key"]) for event in server.events]

    assert (refused.code, flushed.code, passed.code) == (7, 7, 0), (refused, flushed, passed)
    assert "on-call by webhook: NOT REACHED, call them yourself; kept in memory (/dev/shm/runbookctl-" in refused.err
    details = first["details"]
    happened = (
        rf"\w+ wanted to run RUN-001 Disk is full against {here}/inventory.yml at [-0-9: ]+ UTC\. "
        rf"Nothing of it was done, and nothing is recorded of it: could not begin: {full}/state/.*: No space left on device\."
    )
    assert re.fullmatch(happened, details["what happened"]), details["what happened"]
    assert details["continue with"] == [
        f"runbook --library {here} --state-dir {full}/state run RUN-001 -i {here}/inventory.yml"
        "  # starts again: nothing was done"
    ]
    assert details["timeline"] == "nothing: it has not begun"
    assert {"on machine", "as user", "not recorded"} <= details.keys()
    assert "run" not in details
    assert sent[-2:] == [("trigger", first["dedup_key"]), ("resolve", first["dedup_key"])]
