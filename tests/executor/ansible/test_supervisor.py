"""The supervisor's life: whatever dies above or below it, everything ends, the directory is wiped, and it says how."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from harness import PATIENCE
from harness.fakes import RUN_ID

from runner.executor.ansible import processes, workspace
from runner.executor.ansible.messages import PlaybookInvocation
from runner.executor.job import Ending

BEGUN = '"${ANSIBLE_CONFIG%/*}/begun"'


def noted(sign, host="here", task="one", attempt=()):
    """The words with which the callback plugin's note is written."""
    return f"printf '%s\\n' '{sign}{json.dumps([host, host, task, *attempt])}' >>{BEGUN}"


NOTED = noted("+")
FAR = "setsid sh -c 'echo $$ >far; exec sleep 900'"
AWAY = f"{NOTED}; ({FAR} &); echo $$ >near; sleep 900; sleep 900"
"""A process in a session of its own, its parent gone."""

STUBBORN = f"trap '' TERM INT HUP; {AWAY}"
"""The same, and deaf to signals."""


@pytest.fixture
def invocation(tmp_path, temporary):
    inventory = tmp_path / "inventory.yml"
    inventory.write_text("all: {}\n")
    directory = workspace.make(RUN_ID)
    path = workspace.fill(directory, b"- hosts: all\n", name="RUN-001.yml", inputs={}, captured={})
    return PlaybookInvocation(
        run_id=RUN_ID,
        workspace=str(directory),
        playbook=str(path),
        inventories=(str(inventory),),
        environment={processes.MARKER: RUN_ID},
    )


class Supervised:
    """A supervisor, and the command's end of its pipes."""

    def __init__(self, ansible, invocation, *, directory_of=None, **changes):
        directory_of = directory_of or invocation.workspace
        self.invocation = invocation and replace(invocation, **changes)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "runner.executor.ansible.supervisor", RUN_ID, str(directory_of)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": ansible.path, "HOME": "/nonexistent", processes.MARKER: RUN_ID},
            start_new_session=True,
        )
        if self.invocation:
            self.begin()

    def begin(self, **changes):
        """Tell it what to do."""
        self.invocation = replace(self.invocation, **changes)
        self.say(self.invocation.dumps())

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def reported(self):
        """What it reports of what it was told last; nothing of that is left in its directory."""
        ending = Ending.loads(self.process.stdout.readline().decode())
        assert {path.name for path in Path(self.invocation.workspace).iterdir()} == set(workspace.LASTING)
        return ending

    def ending(self):
        """The same when it is told nothing more; nothing else is printed, and its directory is gone."""
        ending = Ending.loads(self.process.stdout.readline().decode())
        if not self.process.stdin.closed:
            self.process.stdin.close()
        rest, complaints = self.process.stdout.read(), self.process.stderr.read()
        self.process.wait(timeout=PATIENCE)
        assert (rest, complaints, Path(self.invocation.workspace).exists()) == (b"", b"", False)
        return ending


@pytest.fixture
def supervised(ansible, invocation):
    started = []

    def start(**changes):
        started.append(Supervised(ansible, invocation, **changes))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
        processes.end(lambda: processes.belonging({RUN_ID}), grace=0)
        for pipe in (one.process.stdin, one.process.stdout, one.process.stderr):
            pipe.close()


def all_ended(*pids):
    deadline = time.monotonic() + PATIENCE
    while any(map(processes.is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not any(map(processes.is_alive, pids))


@pytest.mark.parametrize("code", [0, 2, 4])
def test_what_ends_by_itself_is_reported_with_its_code_and_last_words(ansible, supervised, code):
    ansible.does(f"echo said; echo complained >&2; exit {code}")

    ending = supervised().ending()

    assert (ending, ansible.reaped) == (Ending("exited", code, "said\ncomplained\n"), [])


def test_ansible_is_told_what_the_order_says_and_nothing_else(ansible, supervised):
    one = supervised(tags=("step-a", "step-b"), skip_tags=("gate",), limit="db1,db2", forks=7)

    one.ending()

    directory = one.invocation.workspace
    assert ansible.words == [
        *("--extra-vars", f"@{directory}/inputs.json", "-i", one.invocation.inventories[0], "--limit", "db1,db2"),
        *("--tags", "step-a,step-b", "--skip-tags", "gate", "--forks", "7", one.invocation.playbook),
    ]
    told = {key: value for key, value in ansible.environment.items() if key.startswith(("ANSIBLE_", "RUNBOOK_"))}
    assert (
        told.items()
        >= {
            processes.MARKER: RUN_ID,
            "ANSIBLE_CONFIG": f"{directory}/ansible.cfg",
            "ANSIBLE_STDOUT_CALLBACK": "runbook_report",
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_STRATEGY": "ansible.builtin.linear",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{directory}/ssh",
        }.items()
    )


def test_of_much_output_the_end_is_reported_even_when_it_is_no_text(ansible, supervised):
    ansible.does("head -c 100000 /dev/zero | tr '\\0' x; printf '\\377 the end'; exit 0")

    ending = supervised().ending()

    assert len(ending.diagnosis) == 4000
    assert ending.diagnosis.endswith("x\ufffd the end")


@pytest.mark.parametrize(
    ("stop", "does", "why"),
    [
        (lambda one: one.process.stdin.close(), STUBBORN, "orphaned"),
        (lambda one: one.say("cancel"), AWAY, "cancelled"),
        (lambda one: one.process.send_signal(signal.SIGTERM), AWAY, "cancelled"),
        (lambda one: one.process.send_signal(signal.SIGHUP), AWAY, "cancelled"),
        (lambda one: one.process.send_signal(signal.SIGINT), AWAY, "cancelled"),
    ],
    ids=["the command died", "cancel", "SIGTERM", "SIGHUP", "SIGINT"],
)
def test_whoever_stops_it_everything_ends(ansible, supervised, stop, does, why):
    ansible.does(does)
    one = supervised()
    pids = ansible.number("near"), ansible.number("far")

    stop(one)

    ending = one.ending()
    assert (ending.why, ending.code, all_ended(*pids)) == (why, -1, True)
    assert len(ansible.reaped) == 1


def test_the_deadline_ends_everything(ansible, supervised):
    ansible.does(AWAY)
    one = supervised(deadline=1.0)

    ending = one.ending()

    assert (ending.why, processes.belonging({RUN_ID}), len(ansible.reaped)) == ("deadline", [], 1)


def test_the_clean_up_of_the_hosts_knows_which_and_as_whom(ansible, supervised):
    attempts = [f"{RUN_ID}/restart/{number}" for number in (1, 2, 3)]
    begun = [noted("+", "db1", "one", attempts[:1]), noted("-", "db1", "one"), noted("+", "db1", "two", attempts[1:2])]
    begun += [noted("+", "db2", "two", attempts[2:]), noted("+", "db3", "two"), noted("+", "db4"), noted("-", "db4")]
    ansible.does(f"{'; '.join(begun)}; echo $$ >near; exec sleep 900")
    one = supervised(hosts="db:app", becomes=True, limit="db", forks=7)
    ansible.number("near")

    one.say("cancel")

    one.ending()
    (words,) = ansible.reaped
    directory, (inventory,) = one.invocation.workspace, one.invocation.inventories
    assert words.startswith(f"--extra-vars @{directory}/reap.json ")
    assert words.endswith(f"reap.yml --inventory {inventory} --limit @{directory}/reap.hosts --forks 7")
    assert (ansible.directory / "reap.hosts").read_text().splitlines() == ["db1", "db2", "db3"]
    assert json.loads((ansible.directory / "reap.json").read_text()) == {
        "runbook_hosts": "db:app",
        "runbook_became": True,
        "runbook_markers": {"db1": [RUN_ID, attempts[1]], "db2": [RUN_ID, attempts[2]], "db3": [RUN_ID]},
    }


def test_when_nothing_was_begun_no_host_is_asked(ansible, supervised):
    ansible.does("echo $$ >near; sleep 900; sleep 900")
    one = supervised()
    near = ansible.number("near")

    one.say("cancel")

    assert (one.ending().why, all_ended(near), ansible.reaped) == ("cancelled", True, [])


def test_when_ansible_is_killed_what_it_had_started_ends(ansible, supervised):
    ansible.does(AWAY)
    one = supervised()
    near, far = ansible.number("near"), ansible.number("far")

    os.kill(near, signal.SIGKILL)

    ending = one.ending()
    assert (ending.why, ending.code not in {0, 1, 2, 4}, all_ended(far)) == ("exited", True, True)
    assert len(ansible.reaped) == 1


def test_when_its_child_is_killed_everything_ends(ansible, supervised):
    ansible.does(AWAY)
    one = supervised()
    pids = ansible.number("near"), ansible.number("far")
    child = processes.descendants(one.process.pid)[0]

    os.kill(child, signal.SIGKILL)

    ending = one.ending()
    assert (ending.why, ending.code, all_ended(child, *pids)) == ("exited", -signal.SIGKILL, True)
    assert len(ansible.reaped) == 1


def test_when_it_is_killed_itself_its_child_dies_with_it(ansible, supervised):
    ansible.does("echo $$ >near; exec sleep 900")
    one = supervised()
    ansible.number("near")
    child = processes.descendants(one.process.pid)[0]

    one.process.kill()

    assert all_ended(child)


@pytest.mark.parametrize(
    ("notes", "goes_on"),
    [
        ([noted("+")], False),
        ([noted("+"), noted("-"), noted("+", task="two")], False),
        ([noted("+"), noted("-", host="there")], False),
        ([noted("+"), noted("-")], True),
        ([noted("+"), noted("+", task="two"), noted("-"), noted("-", task="two")], True),
    ],
)
def test_what_was_begun_and_never_heard_of_again_is_ended_though_ansible_ended_by_itself(
    ansible, supervised, notes, goes_on
):
    away = f"({FAR} >&- 2>&- &); while [ ! -s far ]; do sleep 0.01; done"
    ansible.does(f"{away}; {'; '.join(notes)}; exit 2")

    ending = supervised().ending()

    far = ansible.number("far")
    assert (ending.why, ending.code, processes.is_alive(far)) == ("exited", 2, goes_on)
    assert len(ansible.reaped) == (0 if goes_on else 1)


ATTEMPT = f"{RUN_ID}/restart/0123456789ab"


@pytest.mark.parametrize("stop", ["close", "cancel", "kill"])
@pytest.mark.parametrize("ended", [True, False], ids=["an attempt that has ended", "an attempt that has not"])
def test_what_an_ended_attempt_has_left_goes_on_however_the_run_ends(ansible, supervised, stop, ended):
    # Given a process that an attempt has started in a session of its own, and a step that goes on
    noting = [noted("+", task="restart", attempt=[ATTEMPT]), *([noted("-", task="restart")] if ended else [])]
    away = f"({processes.MARKER}={ATTEMPT} {FAR} &); while [ ! -s far ]; do sleep 0.01; done"
    ansible.does(f"{noting[0]}; {away}; {'; '.join([*noting[1:], NOTED])}; echo $$ >near; sleep 900; sleep 900")
    one = supervised()
    near, far = ansible.number("near"), ansible.number("far")
    # When
    {"close": one.process.stdin.close, "cancel": lambda: one.say("cancel"), "kill": lambda: os.kill(near, 9)}[stop]()
    # Then
    one.ending()
    assert (all_ended(near), processes.is_alive(far)) == (True, ended)
    os.kill(far, signal.SIGKILL) if ended else None


def test_it_does_one_invocation_after_the_other(ansible, supervised):
    ansible.does("echo $PPID >>parents; exit 2")
    one = supervised()
    first = one.reported()
    ansible.does("echo again; exit 0")

    one.begin(tags=("step-b",))

    assert (first, one.ending()) == (Ending("exited", 2, ""), Ending("exited", 0, "again\n"))
    assert ansible.words[ansible.words.index("--tags") + 1] == "step-b"


@pytest.mark.parametrize("late", ["cancel", "SIGTERM"])
def test_what_comes_too_late_stops_nothing(ansible, supervised, late):
    ansible.does("exit 0")
    one = supervised()
    one.reported()

    one.say("cancel") if late == "cancel" else one.process.send_signal(signal.SIGTERM)
    ansible.does("exit 4")
    one.begin()

    assert one.ending() == Ending("exited", 4, "")


def test_what_an_earlier_part_has_left_on_purpose_goes_on_though_a_later_one_is_stopped(ansible, supervised):
    # Given a process that an attempt has left, of which the supervisor has become the parent
    begun, ended = noted("+", task="restart", attempt=[ATTEMPT]), noted("-", task="restart")
    away = f"({processes.MARKER}={ATTEMPT} {FAR} >&- 2>&- &); while [ ! -s far ]; do sleep 0.01; done"
    ansible.does(f"{begun}; {away}; {ended}; exit 0")
    one = supervised()
    one.reported()
    far = ansible.number("far")
    ansible.does(f"{NOTED}; echo $$ >near; sleep 900; sleep 900")
    one.begin()
    near = ansible.number("near")
    # When
    one.say("cancel")
    # Then
    why = one.reported().why
    assert (why, all_ended(near), processes.is_alive(far)) == ("cancelled", True, True)
    assert far in processes.descendants(one.process.pid)
    os.kill(far, signal.SIGKILL)


def test_what_a_passed_step_started_on_purpose_goes_on(ansible, supervised):
    ansible.does(f"({FAR} >&- 2>&- &); while [ ! -s far ]; do sleep 0.01; done")
    one = supervised()

    ending = one.ending()

    assert (ending.code, processes.is_alive(ansible.number("far"))) == (0, True)


def test_no_ansible_on_the_path_is_said_in_words(ansible, supervised, monkeypatch):
    (ansible.directory / "bin" / "ansible-playbook").unlink()
    monkeypatch.setattr(type(ansible), "path", f"{ansible.directory}:/usr/bin:/bin")
    one = supervised()

    ending = one.ending()

    said = "ansible-playbook is not on PATH, nor beside this Python; pip install ansible-core\n"
    assert ending == Ending("exited", 127, said)


def test_what_goes_wrong_before_ansible_starts_is_in_the_diagnosis(supervised, invocation):
    (Path(invocation.workspace) / "artifacts").write_text("where ansible-runner wants a directory")

    ending = supervised().ending()

    assert (ending.why, ending.code, ending.diagnosis.splitlines()[:1]) == (
        "exited",
        70,
        ["Traceback (most recent call last):"],
    )


@pytest.mark.parametrize("said", [b"", b'{"run_id": '])
def test_a_command_that_dies_before_it_has_ordered_anything_leaves_no_directory_and_no_noise(ansible, invocation, said):
    with Supervised(ansible, None, directory_of=invocation.workspace).process as process:
        out, complaints = process.communicate(said, timeout=PATIENCE)

    assert (out, complaints, Path(invocation.workspace).exists()) == (b"", b"", False)


def test_somebody_else_may_wipe_the_directory_first(ansible, supervised):
    ansible.does('echo $$ >near; while [ -e "${ANSIBLE_CONFIG%/*}" ]; do sleep 0.01; done; exit 0')
    one = supervised()
    ansible.number("near")

    subprocess.run(["rm", "-r", one.invocation.workspace], check=True)

    ending = one.ending()
    assert (ending.why, ending.diagnosis) == ("exited", "")


def test_nobody_needs_to_hear_how_it_ended(ansible, supervised):
    ansible.does("echo $$ >near; exec sleep 900")
    one = supervised()
    near = ansible.number("near")

    one.process.stdout.close()
    one.process.stdin.close()

    assert one.process.stderr.read() == b""
    assert all_ended(near)
    assert not Path(one.invocation.workspace).exists()
