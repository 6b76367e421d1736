"""Who died without a call is called for once, by whoever finds it; who lives, has ended or is being recovered is not."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from dataclasses import replace

import pytest
from harness.bench import wait_until
from harness.engine import Engine, change
from harness.fake_run import Killed, UnwritableLog, environment_in
from harness.fakes import RUN_ID, runbook_file
from harness.fault_server import FaultServer
from harness.notifications import ONE

from runner.channels.webhook import Webhook
from runner.core.errors import AuditError
from runner.core.process_stat import is_stopped, started
from runner.escalation.outbox import Outbox, written
from runner.executor.testing import ScriptedExecutor
from runner.services.dead_runs import call_for_leases
from runner.services.incident_response import call_next_levels
from runner.services.notifications import flush_pages
from runner.services.runs import recover_abandoned
from runner.services.watching import WatchMemory, look
from runner.store.lease import RENEWED_EVERY, SILENT_AFTER, Lease
from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory

NAME = ONE.run
STATE = RunState(run=NAME, runbook="RUN-001", title="T", started="", user="alice")
CALLS = {"when": ["abandoned"], "contacts": ["on-call"], "provide": ["timeline"]}
NOBODY = 2**22 + 1
DIED = "its command died, and nobody knows how it ended"


@pytest.fixture
def env(tmp_path):
    return environment_in(tmp_path)


@pytest.fixture
def server():
    with FaultServer("200") as server:
        yield server


@pytest.fixture
def leave(env, server):
    """Leaves the lease of a process that is gone, of this one, or of an earlier boot."""

    def leave(name=NAME, **changes):
        page = replace(ONE.page, summary=f"RUN-001 T (lab): {DIED}")
        call = replace(ONE, run=name, page=page, channel=Webhook(url=server.url).written())
        lease = Lease(name=name, since=env.clock(), pid=NOBODY, process_started=1, calls=(written(call),))
        env.state.leases.write(replace(lease, **changes))

    return leave


OURS = {"pid": os.getpid(), "process_started": started(os.getpid())}


def summaries(server):
    return [event["data"]["summary"] for event in server.events]


def left(env):
    return [lease.name for lease, _ in env.state.leases.all()]


@pytest.mark.parametrize("status", ["running", "abandoned"])
def test_a_run_that_is_dead_and_for_which_nobody_was_called_is_called_for_once(env, leave, server, status):
    env.state.begin(replace(STATE, status=status)).release()
    leave()

    first, second = call_for_leases(env), call_for_leases(env)

    assert summaries(server) == [f"RUN-001 T (lab): {DIED}"]
    assert ([each.receipt.ok for each in first.sent], second.sent) == ([True], ())
    assert server.events[0]["data"]["dedup_key"] == ONE.page.dedup_key
    assert left(env) == ([NAME] if status == "running" else [])


def test_a_restart_of_the_machine_is_told_as_such(env, leave, server):
    env.state.begin(STATE).release()
    leave(**OURS)
    env.clock.boot = "boot-2"

    call_for_leases(env)

    assert summaries(server) == [
        "RUN-001 T (lab): the machine was restarted while it was going on, and nobody knows how it ended"
    ]


def test_a_run_that_has_ended_or_never_began_needs_nobody(env, leave, server):
    env.state.begin(replace(STATE, status="finished")).release()
    leave()
    leave("20260101T000000Z-ffffffff")

    assert call_for_leases(env).sent == ()
    assert (server.events, left(env)) == ([], [])


def test_a_run_that_somebody_else_is_at_is_theirs(env, leave, server):
    held = env.state.begin(STATE)
    leave()

    assert (call_for_leases(env).sent, left(env)) == ((), [NAME])
    held.release()
    assert len(call_for_leases(env).sent) == 1


def test_a_run_that_hangs_is_called_for_and_again_if_it_dies_after_it_went_on(env, leave, server):
    held, pauses = env.state.begin(STATE), []
    looked = lambda: call_for_leases(env, pause=pauses.append)  # noqa: E731
    leave(**OURS)
    alive = looked().sent

    env.clock.forward(SILENT_AFTER + 1)
    hung, again = looked().sent, looked().sent
    env.state.leases.renew(NAME, env.clock())
    back = looked().sent
    held.release()
    env.clock.boot = "boot-2"
    dead = looked().sent

    assert list(map(len, (alive, hung, again, back, dead))) == [0, 1, 0, 0, 1]
    assert pauses == [RENEWED_EVERY + 1]
    assert summaries(server) == [
        f"RUN-001 T (lab): it gives no sign of life since 00:00:00 UTC; its process {os.getpid()} still exists, and hangs",
        "RUN-001 T (lab): the machine was restarted while it was going on, and nobody knows how it ended",
    ]


@pytest.fixture
def silent(tmp_path, monkeypatch, server):
    """A critical run whose command was halted within its second step; what it has left, and that process."""
    engine, leases = Engine(tmp_path, monkeypatch), []
    channels = f"[{{webhook: {{url: '{server.url}'}}}}]"
    names = {"on-call": "L1", "lead": "L2"}
    contacts = [f"{name}: {{name: {name}, level: {level}, channels: {channels}}}" for name, level in names.items()]

    def halt(host):
        leases.extend(engine.env.state.leases.all())
        raise Killed

    engine.ansible.answers["two", "action"] = halt
    calls = {**CALLS, "contacts": list(names), "next_after": "10m"}
    with pytest.raises(Killed):
        engine.run(change("one"), change("two"), severity="P1", escalation=calls)
    (tmp_path / "runbooks" / "contacts.yml").write_text("\n".join([*contacts, "backend-team: {name: Backend}"]))
    with subprocess.Popen(["sleep", "60"]) as process:
        lease, _ = leases[-1]
        engine.env.state.leases.write(replace(lease, pid=process.pid, process_started=started(process.pid)))
        yield engine, process
        process.kill()


@pytest.mark.parametrize("stopped", [True, False])
def test_the_page_for_a_run_that_hangs_tells_how_far_it_is_now_and_what_is_right_to_type(silent, server, stopped):
    engine, process = silent
    if stopped:
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: is_stopped(process.pid), "it is stopped")
    engine.env.clock.forward(SILENT_AFTER + 1)

    call_for_leases(engine.env, pause=lambda _: None)

    (event,) = server.events
    details, how = event["data"]["details"], "is stopped (SIGSTOP or Ctrl-Z)" if stopped else "hangs"
    silence = f"gives no sign of life since 00:00:00 UTC; its process {process.pid} still exists, and {how}"
    assert event["data"]["summary"] == f"RUN-001 Disk is full (local): it {silence}"
    assert details["what happened"].endswith(f"It is in progress: Two. But it {silence}, on controller.example.")
    assert (details["hosts"], details["outcome"]) == ({"Two: running": ["db1"]}, "running")
    given = f"runbook --library {engine.directory} --state-dir {engine.env.state.path} "
    commands = [line.partition("  # ")[0].replace(given, "runbook ") for line in details["continue with"]]
    runbook = [f"runbook {words.format(RUN_ID)}" for words in ("ack {}", "status {}", "cancel {} --now")]
    goes_on = [f"kill -CONT {process.pid}"] if stopped else []
    assert commands == [*runbook[:2], *goes_on, runbook[2], f"kill -9 {process.pid}"]


def test_where_nobody_acknowledges_a_run_that_hangs_the_next_level_is_called(silent, server):
    engine, _ = silent
    engine.env.clock.forward(SILENT_AFTER + 1)
    held = engine.directory_of_the_run.hold()

    call_for_leases(engine.env, pause=lambda _: None)
    engine.env.clock.forward(601)
    call_next_levels(engine.env)
    held.release()

    first, second = server.events
    assert second["data"]["dedup_key"] == f"{first['data']['dedup_key']}/L2"
    assert "gives no sign of life any more" in second["data"]["details"]["what happened"]


def test_a_run_that_was_called_for_because_it_hung_is_not_called_for_again_when_it_is_recovered(env, leave, server):
    held = env.state.begin(STATE)
    leave(**OURS)
    env.clock.forward(SILENT_AFTER + 1)
    call_for_leases(env, pause=lambda _: None)
    held.release()

    recovery = recover_abandoned(env)

    assert [(each.run.status, each.calls, each.not_called) for each in recovery.runs] == [("abandoned", (), "")]
    assert (len(server.events), left(env)) == (1, [])


def test_a_run_that_was_halted_together_with_this_process_is_given_the_time_to_renew(env, leave, server):
    held = env.state.begin(STATE)
    leave(**OURS)
    env.clock.forward(3600)

    looked = call_for_leases(env, pause=lambda _: env.state.leases.renew(NAME, env.clock()))

    assert (looked.sent, server.events) == ((), [])
    held.release()


def test_a_run_whose_runbook_is_gone_is_called_for_with_what_its_lease_has(env, leave, server):
    env.state.begin(replace(STATE, path="/nowhere/runbooks/RUN-001.yml")).release()
    leave()

    recovery = recover_abandoned(env)

    assert "RUN-001.yml" in recovery.runs[0].not_called
    assert [each.receipt.ok for each in recovery.called.sent] == [True]
    assert (len(server.events), left(env)) == (1, [])


def test_people_are_called_though_nothing_can_be_recorded(env, leave, server):
    def full(*_):
        raise AuditError("the disk is full")

    env.state.begin(STATE).release()
    leave()
    full_disk = replace(env, state=UnwritableLog(env.state.path, full))

    first, second = recover_abandoned(full_disk), recover_abandoned(full_disk)
    mended = recover_abandoned(env)

    assert (first.failure.message, first.called.problems) == ("the disk is full", ("the disk is full",) * 2)
    assert (len(server.events), second.called.sent) == (1, ())
    assert [each.run.status for each in mended.runs] == ["abandoned"]
    assert left(env) == []


def test_on_a_read_only_disk_people_are_called_once_whoever_looks_for_a_run_with_a_lease_and_for_one_without(
    small_disk, server, tmp_path
):
    env = environment_in(tmp_path, state=StateDirectory.open(small_disk / "state"))
    path = str(runbook_file(tmp_path / "library", escalation=CALLS))
    contacts = f"on-call: {{name: On-call, channels: [{{webhook: {{url: '{server.url}'}}}}]}}\n"
    (tmp_path / "library" / "runbooks" / "contacts.yml").write_text(contacts + "backend-team: {name: Backend}\n")
    env.state.begin(STATE).release()
    env.state.begin(replace(STATE, run="20260101T000000Z-0123abce", path=path)).release()
    call = replace(ONE, channel=Webhook(url=server.url).written())
    env.state.leases.write(Lease(name=NAME, since=env.clock(), pid=NOBODY, process_started=1, calls=(written(call),)))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)

    looks = [look(env, WatchMemory()) for _ in range(3)]

    assert len(server.events) == 2, summaries(server)
    assert all(event["data"]["details"]["not recorded"] for event in server.events)
    assert all(any("cannot be recorded as abandoned" in problem for problem in each.problems) for each in looks)


def test_people_are_called_though_what_a_run_left_cannot_be_ended(env, leave, server):
    class FullDisk(ScriptedExecutor):
        def clean_up(self, run, *, environ):
            raise OSError(errno.ENOSPC, "No space left on device", "/tmp")

    env.state.begin(STATE).release()
    leave()
    stuck = replace(env, executor=FullDisk())

    first, second = recover_abandoned(stuck), recover_abandoned(stuck)

    assert "No space left on device" in first.failure.message
    assert ([each.receipt.ok for each in first.called.sent], second.called.sent) == ([True], ())
    assert [each.run.status for each in recover_abandoned(env).runs] == ["abandoned"]
    assert len(server.events) == 1


def test_a_page_that_does_not_arrive_waits_in_the_outbox(env, leave, server):
    server.modes = ("503",)
    env.state.begin(STATE).release()
    leave()

    call_for_leases(env)
    server.modes = ("200",)
    waiting = Outbox(env.state.path / "outbox").all()
    flushed = flush_pages(env)

    assert [(each.run, each.attempts) for each in waiting] == [(NAME, 1)]
    assert [each.receipt.ok for each in flushed.sent] == [True]


def test_two_who_look_at_once_call_once(env, leave, server):
    env.state.begin(STATE).release()
    leave()

    with env.state.leases.held():
        assert call_for_leases(env).sent == ()
    assert len(call_for_leases(env).sent) == 1


def test_a_loop_that_is_no_run_is_called_for_too(env, leave, server):
    leave("scheduler")

    first, second = call_for_leases(env), call_for_leases(env)

    assert (len(first.sent), second.sent, left(env)) == (1, (), ["scheduler"])


def test_a_lease_that_cannot_be_read_is_told(env, leave, server):
    env.state.begin(STATE).release()
    leave(calls=({"run": NAME},))

    assert call_for_leases(env).problems[0].startswith(f"whom to call for {NAME} cannot be read: ")
