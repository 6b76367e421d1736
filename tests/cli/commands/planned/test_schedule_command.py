"""`runbook schedule`: what is planned is shown, decided each minute and begun, and each instant has an end to read."""

from __future__ import annotations

import json
import platform
import shutil
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from harness import PATIENCE
from harness.bench import Bench, step, wait_until
from harness.fake_run import environment_in
from harness.fakes import Clock

from runner.cli.planned_session import Beginner
from runner.library.library import Library
from runner.scheduling.clock_check import Clocks
from runner.services.schedules.tick import Ticked, tick
from runner.store.occurrences import Occurrence
from runner.store.state_directory import StateDirectory

NAME = "RUN-900/often"
MINUTE = timedelta(minutes=1)


def schedule(**keys):
    return {"id": "often", "cron": "* * * * *", "inventory": "inventory.yml", "reason": "Often", **keys}


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def now():
    return datetime.now(UTC).replace(second=0, microsecond=0)


def stamp(moment):
    return f"{moment:%Y-%m-%dT%H:%MZ}"


def seen(bench, ago):
    """Let the schedules have been seen so long ago."""
    state = StateDirectory.open(bench.state)
    clock = Clock(wall=datetime.now(UTC) - ago, boot="before")
    env = environment_in(bench.directory, state=state, clock=clock)
    wall = clock().wall
    tick(env, Library(bench.directory), lambda: Clocks(wall, 1.0, "before", is_set=True))


def history(bench, *words):
    return json.loads(bench.command("schedule", "history", "--json", *words).out)


def test_a_tick_begins_what_is_due_and_tells_how_it_ended(bench):
    bench.hosts()
    bench.write(step("one", f"echo one >> {bench.directory}/log"), schedules=[schedule()])
    seen(bench, 1.5 * MINUTE)

    ticked = bench.command("schedule", "tick")

    told = history(bench)
    ran = [each for each in told if each["state"] == "ran"]
    assert ticked.code == 0, ticked.err
    assert [(each["schedule"], each["outcome"]) for each in ran] == [(NAME, "passed")]
    assert (bench.directory / "log").read_text() == "one\n"
    assert {each["state"] for each in told} <= {"ran", "skipped"}
    assert json.loads(bench.command("status", ran[0]["run"], "--json").out)["user"] == f"schedule:{NAME}"
    # And a second look decides nothing of it again
    assert [each for each in history(bench) if each["planned"] == ran[0]["planned"]] == ran


def test_a_run_that_fails_is_one_and_a_refusal_is_six(bench):
    bench.hosts()
    bench.write(step("one", "exit 3"), schedules=[schedule()])
    seen(bench, 0.5 * MINUTE + datetime.now(UTC).second * timedelta(seconds=1))
    assert bench.command("schedule", "tick").code == 1
    (bench.directory / "playbooks" / "RUN-900.yml").unlink()
    seen_again = bench.command("schedule", "catch-up", NAME, stamp(now() - 5 * MINUTE))

    assert (seen_again.code, "is missing" in seen_again.err) == (2, True)
    (refused,) = [each for each in history(bench) if each["state"] == "refused"]
    assert "is missing" in refused["why"]


def test_what_a_run_will_ask_is_approved_before_it_and_it_does_just_that(bench):
    bench.hosts()
    act = step("act", f"echo act >> {bench.directory}/log", effect="destructive", approve="Really?")
    bench.write(step("look", "ls", effect="read"), act, schedules=[schedule(approval_lead="30m")])
    instant = stamp(now() - 30 * MINUTE)

    refused = bench.command("schedule", "catch-up", NAME, instant)
    approved = bench.command("schedule", "approve", NAME, instant, "--yes")
    done = bench.command("schedule", "catch-up", NAME, instant)

    assert (refused.code, "not approved in advance" in refused.err) == (4, True), refused.err
    assert (approved.code, "Really?" in approved.err) == (0, True), approved.err
    assert (done.code, (bench.directory / "log").read_text()) == (0, "act\n"), done.err


class CountingBeginner(Beginner):
    """Starts nothing: what it would start is in `started`, and has ended with `ended`, which is None while it goes on."""

    started, ended = (), None

    def _start(self, verb, occurrence):
        self.started = (*self.started, (verb, occurrence.run))
        return SimpleNamespace(poll=lambda: self.ended)


def test_whoever_was_to_ask_and_died_is_begun_again_as_long_as_nobody_was_asked(bench):
    beginner = CountingBeginner(Library(bench.directory), StateDirectory.open(bench.state))
    due = Ticked(to_ask=(Occurrence(NAME, now(), "", "", "20261206T023000Z-00000001", now()),))

    for ended in (None, None, -9):
        beginner.ended = ended
        beginner.handle(due)

    assert beginner.started == (("ask", "20261206T023000Z-00000001"),) * 2


def test_what_was_missed_is_caught_up_on_its_own_instant(bench):
    bench.hosts()
    bench.write(step("one", f"echo one >> {bench.directory}/log"), schedules=[schedule()])
    instant = now() - 30 * MINUTE

    caught = bench.command("schedule", "catch-up", NAME, stamp(instant))
    again = bench.command("schedule", "catch-up", NAME, stamp(instant))

    assert (caught.code, again.code) == (0, 6), caught.err
    assert [(each["planned"], each["state"]) for each in history(bench)] == [(instant.isoformat(), "ran")]
    explained = bench.command("schedule", "explain", NAME, stamp(instant)).out
    assert "ran on" in explained
    assert "passed" in explained


def test_what_comes_is_shown_and_without_a_scheduler_that_is_said(bench):
    bench.hosts()
    bench.write(step("one", "true"), schedules=[schedule(cron="30 2 28 3 *", zone="Europe/Berlin")])

    shown, listed = bench.command("schedule"), bench.command("schedule", "list", "--json")
    coming = json.loads(bench.command("schedule", "next", "--days", "400", "--json").out)

    assert (shown.code, "no scheduler has ever looked" in shown.err) == (0, True)
    assert [each["name"] for each in json.loads(listed.out)] == [NAME]
    assert {each["schedule"] for each in coming} == {NAME}
    assert "02:30" in shown.out or "03:00" in shown.out


def test_a_pause_an_approval_and_the_clock_are_said_by_name(bench):
    bench.hosts()
    bench.write(step("one", "true"), schedules=[schedule()])
    done = {
        "pause": bench.command("schedule", "pause", NAME, "--because", "a move"),
        "resume": bench.command("schedule", "resume", NAME),
        "approve": bench.command("schedule", "approve", NAME),
        "trust-clock": bench.command("schedule", "trust-clock"),
    }

    assert {name: (each.code, each.out) for name, each in done.items()} == dict.fromkeys(done, (0, ""))
    assert bench.command("schedule", "pause", "RUN-900/no", "--because", "x").code == 2
    assert [record["type"] for record in bench.records()] == [
        "runbook.schedule.paused",
        "runbook.schedule.paused",
        "runbook.schedule.approved",
        "runbook.schedule.clock",
    ]


def test_the_loop_looks_at_once_and_a_signal_ends_it_and_its_lease(bench):
    bench.hosts()
    bench.write(step("one", f"echo one >> {bench.directory}/log"), schedules=[schedule()])
    seen(bench, 1.5 * MINUTE)
    process = bench.started("schedule", "run")
    wait_until((bench.directory / "log").exists, "it has begun what was due", process)
    leases = list((bench.state / "leases").glob("*.json"))
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, [path.stem for path in leases]) == (0, [f"scheduler-{platform.node()}"]), err
    assert list((bench.state / "leases").glob("scheduler*.json")) == []
    wait_until(lambda: any(each["outcome"] == "passed" for each in history(bench)), "the run goes on to its end")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_verifies_what_is_exported(bench, tmp_path):
    bench.write(step("one", "true"), schedules=[])
    units = tmp_path / "units"
    units.mkdir()
    assert bench.command("schedule", "export", "systemd", str(units)).code == 0

    names = sorted(path.name for path in units.iterdir())
    assert names == ["runbook-schedule.service", "runbook-tick.service", "runbook-tick.timer"]
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(units / name) for name in names)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_a_crontab_has_one_line_that_ticks(bench):
    bench.write(step("one", "true"), schedules=[])
    comment, line = bench.command("schedule", "export", "cron").out.splitlines()

    assert comment.startswith("# ")
    assert line.startswith("* * * * * ")
    assert line.endswith(" schedule tick")
