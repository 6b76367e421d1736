"""`runbook audit`: intact, broken, gone, or nothing recorded yet are four different things."""

from __future__ import annotations

import json

import pytest
from harness.fakes import RUN_ID

from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory

OTHER = "20260101T000001Z-00000001"


@pytest.fixture
def log(runbook, library, ansible, machine, here):
    """The log of two runs."""
    machine.run_ids(RUN_ID, OTHER, *(f"20260101T00000{number}Z-00000001" for number in (2, 3)))
    for _ in range(2):
        assert runbook("run", "RUN-001", "-i", "inventory.yml").code == 0
    return here / ".runbook" / "audit" / "audit.jsonl"


def test_an_intact_log_is_told_with_its_head(runbook, log):
    ran = runbook("audit", "verify")

    last = json.loads(log.read_text().splitlines()[-1])
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == f"intact  20 records of 2 runs in {log}"
    assert ran.out.splitlines()[1] == "files   2 runs checked, all as the log says"
    assert ran.out.splitlines()[2].startswith("head    20:")
    assert last["hash"].startswith(ran.out.split(":")[-1].strip())


def test_a_path_is_printed_so_that_no_line_break_in_it_passes_for_another_line(runbook, log, here):
    (here / ".runbook").rename(here / "a\nintact")

    ran = runbook("--state-dir", "a\nintact", "audit", "verify")
    (next((here / "a\nintact" / "runs").iterdir()) / "report.html").write_text("forged")
    forged = runbook("--state-dir", "a\nintact", "audit", "verify")

    assert (ran.code, len(ran.out.splitlines()), "a\\nintact" in ran.out) == (0, 3, True)
    assert (forged.code, "a\\nintact does not match" in forged.err) == (7, True)


def test_as_json_it_is_the_result(runbook, log):
    told = json.loads(runbook("audit", "verify", "--json").out)

    assert (told["path"], told["records"], told["runs"], told["recoveries"]) == (str(log), 20, 2, 0)


def test_an_edited_log_is_broken_and_the_line_is_named(runbook, log):
    lines = log.read_text().splitlines(keepends=True)
    lines[3] = lines[3].replace("db1", "db2")
    log.write_text("".join(lines))

    ran = runbook("audit", "verify")

    assert (ran.code, ran.out) == (7, "")
    assert ran.err.startswith(f"error: The audit log {log} is broken at line 4: ")


@pytest.mark.parametrize("words", [["verify"], ["verify", "--json"], ["show"]])
def test_where_nothing_was_ever_recorded_that_is_said_and_nothing_is_made(runbook, here, words):
    ran = runbook("audit", *words)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        "error: there is no state directory .runbook",
        "hint: the first run creates it; --state-dir or RUNBOOK_STATE names another",
    ]
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("words", [["verify"], ["show"]])
def test_a_state_without_runs_and_without_a_log_has_nothing_recorded(runbook, here, words):
    (here / ".runbook").mkdir(mode=0o700)

    ran = runbook("audit", *words)

    assert (ran.code, ran.err.splitlines()) == (
        2,
        [
            f"error: nothing is recorded in {here / '.runbook'}",
            "hint: the first run creates it; --state-dir or RUNBOOK_STATE names another place",
        ],
    )


@pytest.mark.parametrize("words", [["verify"], ["show"]])
@pytest.mark.parametrize("how", ["is gone", "is empty"])
def test_a_log_that_is_gone_though_there_were_runs_is_no_fresh_start(runbook, log, how, words):
    if how == "is gone":
        log.unlink()
    else:
        log.write_text("")

    ran = runbook("audit", *words)

    assert (ran.code, ran.out) == (7, "")
    assert ran.err.splitlines()[0] == f"error: the audit log {log} {how}, though 2 runs were recorded in it"


def test_the_records_are_lines_oldest_first(runbook, log):
    ran = runbook("audit", "show")

    lines = ran.out.splitlines()
    assert (ran.code, len(lines)) == (0, 20)
    assert [line.split()[0] for line in lines] == [str(number) for number in range(1, 21)]
    assert lines[0].split()[2:] == [RUN_ID, "run.started", "runbook=RUN-001"]
    assert lines[6].split()[2:] == [RUN_ID, "step.finished", "look", "@db1", "outcome=passed"]


def test_only_the_records_of_one_run(runbook, log):
    told = [json.loads(line) for line in runbook("audit", "show", OTHER, "--json").out.splitlines()]

    assert {record["run"] for record in told} == {OTHER}
    assert [record["seq"] for record in told] == list(range(11, 21))


def test_a_run_that_is_not_there_is_an_error(runbook, log):
    ran = runbook("audit", "show", RUN_ID[:-8] + "ffffffff")

    assert (ran.code, ran.out) == (2, "")
    assert "there is no run" in ran.err


def test_what_hosts_said_does_nothing_to_the_terminal(runbook, library, ansible):
    ansible.answers["look", "action"] = ("failed", {"rc": 1, "msg": "\x1b[2J\nforged"})
    runbook("run", "RUN-001", "-i", "inventory.yml")

    ran = runbook("audit", "show")

    assert "\x1b" not in ran.out
    assert not any(line.startswith("forged") for line in ran.out.splitlines())


def test_a_head_that_was_kept_elsewhere_shows_that_the_end_was_cut_off(runbook, log):
    head = runbook("audit", "verify").out.split()[-1]
    assert runbook("audit", "verify", "--head", head[:19]).code == 0

    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    ran = runbook("audit", "verify", "--head", head)

    assert (ran.code, ran.out) == (7, "")
    assert (
        ran.err.splitlines()[0]
        == f"error: The audit log {log} ends at record 19, and 20 was noted: its end was cut off"
    )


def test_a_head_that_is_none_is_a_usage_error(runbook, log):
    ran = runbook("audit", "verify", "--head", "20")

    assert ran.code == 2
    assert "a head is the number of a record and the beginning of its hash: 42:ab12cd34ef56ab78" in ran.err


@pytest.mark.parametrize("name", ["run.json", "report.html", "report.md", "report.json", "runbook.yml"])
def test_a_file_of_a_run_that_was_edited_is_named(runbook, log, here, name):
    path = here / ".runbook" / "runs" / RUN_ID / name
    path.write_text(path.read_text().replace("RUN-001", "RUN-002"))

    text, as_json = runbook("audit", "verify"), runbook("audit", "verify", "--json")

    assert (text.code, as_json.code, text.out) == (7, 7, "")
    assert text.err.splitlines() == [
        f"error: {here / '.runbook'} does not match the audit log:",
        f"{path} was edited since the run ended",
        "hint: keep all of it as evidence, and find out who wrote to it",
    ]
    assert json.loads(as_json.out)["disagreements"] == [f"{path} was edited since the run ended"]


def test_a_state_that_cannot_be_read_is_named_and_does_not_hide_the_other_runs(runbook, log, here):
    path = here / ".runbook" / "runs" / RUN_ID / "run.json"
    path.write_text("[1]")

    ran = runbook("audit", "verify")

    assert ran.code == 7
    assert f"{path} is not the state of a run" in ran.err


@pytest.mark.parametrize("words", [["run", "RUN-001", "-i", "inventory.yml"], ["status", RUN_ID], ["show", RUN_ID]])
def test_nothing_goes_on_over_a_log_that_was_edited_or_taken_away(runbook, log, here, words):
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join([lines[0], lines[1].replace('"time":"20', '"time":"19'), *lines[2:]]))
    edited = runbook(*words)
    log.unlink()
    gone = runbook(*words)

    assert (edited.code, gone.code) == (7, 7)
    assert f"The audit log {log} is broken at line 2" in edited.err
    assert f"the audit log {log} is gone, though 2 runs were recorded in it" in gone.err


@pytest.mark.parametrize(("words", "code"), [(["locks"], 0), (["pending"], 0), (["cancel", "last"], 2)])
def test_what_goes_on_is_shown_though_a_run_that_died_cannot_be_recorded(runbook, log, here, words, code):
    state = StateDirectory(here / ".runbook")
    state.begin(
        RunState(run=OTHER.replace("001Z", "009Z"), runbook="RUN-001", title="T", started="", user="a")
    ).release()
    log.unlink()

    ran = runbook(*words)

    warning = "warning: a run that died cannot be recorded as abandoned: the audit log"
    assert (ran.code, warning in ran.err) == (code, words[0] == "cancel")


def test_the_deployment_log_is_compared_with_the_record_and_completed(runbook, log, here):
    # Given a library that keeps no log, and then one, after runs that are no deployments
    without = runbook("audit", "deployments", "--check")
    (here / "runbook.toml").write_text('[deployments]\nlog = "deployments.md"\n')
    empty = runbook("audit", "deployments", "--check")
    # Then the first is told how to get one, and the second is complete
    assert (without.code, "runbook.toml" in without.err) == (2, True)
    assert (empty.code, empty.out) == (0, f"complete  {here}/deployments.md\n")
    # And a deployment that was made before the log was kept is missing, until it is added
    (here / "runbook.toml").unlink()
    text = (here / "runbooks" / "RUN-001.yml").read_text()
    (here / "runbooks" / "RUN-001.yml").write_text(text.replace("category: incident", "category: deployment"))
    runbook("compile")
    assert runbook("run", "RUN-001", "-i", "inventory.yml").code == 0
    (here / "runbook.toml").write_text('[deployments]\nlog = "deployments.md"\n')
    missing, added, complete = (runbook("audit", "deployments", *words) for words in (["--check"], [], ["--check"]))
    name = "20260101T000002Z-00000001 start"
    assert (missing.code, missing.out) == (1, f"missing  {name}\n")
    assert (added.code, added.out) == (0, f"added  {name}\n")
    assert complete.code == 0
