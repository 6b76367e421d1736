"""One part of a playbook: what is heard, what is refused, how it ends, and that nothing of it stays."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from harness import PATIENCE
from harness.fake_run import END, INVENTORY, START
from harness.fakes import RUN_ID

from runner.core.errors import AuditError, ExecutionError, UnreachableError
from runner.executor.ansible import processes
from runner.executor.job import NOTHING, Cancellation, Ending, Job, JobPart

OTHER_RUN = "20260101T000000Z-0000beef"


@pytest.fixture
def job(tmp_path, temporary):
    inventory = tmp_path / "inventory.yml"
    inventory.write_text("all: {}\n")
    yield Job(
        run_id=RUN_ID,
        name="RUN-001.yml",
        playbook=b"- hosts: all\n",
        inventories=(inventory,),
        limit=None,
        inputs={"word": "{{ lookup('pipe', 'id') }}"},
        hosts="all",
        becomes=False,
        environ={"HOME": "/nonexistent", "PATH": os.environ["PATH"], "ANSIBLE_RUN_TAGS": "nothing", "SECRET": "s3"},
        cancellation=Cancellation(),
    )
    assert list(Path(temporary).iterdir()) == []
    assert processes.belonging({RUN_ID}) == []


def spoil(message):
    raise AuditError(f"the disk is full at {message['kind']}")


def test_a_limit_that_leaves_nobody_is_named(ansible, job, run):
    ansible.does("echo 'Specified hosts and options leaves us with no hosts to target.'; exit 1")

    with pytest.raises(UnreachableError, match="the inventory and --limit db9 leave no host"):
        run(replace(job, limit="db9"))


@pytest.fixture
def run(ansible):
    """Does a part of a job; `limits` are those of the executor."""

    def run(job, *, handle=lambda _: None, limits=None, **options):
        return ansible.executor(**limits or {}).execute(job, JobPart(("step-look",), **options), handle=handle)

    return run


def wait_for(path):
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Cancelling(threading.Thread):
    """Asks to stop, once more each time, when the fake has said its words."""

    def __init__(self, job, ansible, *reasons):
        super().__init__()
        self._job, self._ansible, self._reasons = job, ansible, reasons

    def run(self):
        for number, reason in enumerate(self._reasons):
            wait_for(self._ansible.directory / "said")
            time.sleep(0.3 * number)
            self._job.cancellation.request(reason)

    def __enter__(self):
        self.start()

    def __exit__(self, *_):
        self.join()


def test_what_the_plugin_says_is_handled_in_order(job, ansible, run):
    heard = []
    ansible.says(INVENTORY, START, END)

    ending = run(job, handle=heard.append)

    assert (heard, ending) == ([INVENTORY, START, END], Ending("exited", 0, ""))


def test_ansible_gets_the_part_that_was_asked_for_and_an_allow_listed_environment(job, ansible, run):
    ansible.says(INVENTORY, END)

    run(replace(job, limit="all:!b"), captured={"here": {"pids": [1]}})

    words, environment = ansible.words, ansible.environment
    assert [words[words.index(flag) + 1] for flag in ("--tags", "--skip-tags", "--limit")] == [
        *("step-look", "gate", "all:!b")
    ]
    assert [word for flag, word in itertools.pairwise(words) if flag == "-i"] == [str(job.inventories[0])]
    assert not environment.keys() & {"ANSIBLE_RUN_TAGS", "SECRET"}
    assert environment["RUNBOOK_RUN_ID"] == RUN_ID


def test_a_secret_is_told_on_the_socket_only_and_not_when_nothing_is_done(job, ansible, run):
    ansible.says(INVENTORY, END)
    secret = replace(job, secrets={"word": "hunter2!"}, names=True)

    run(secret)

    answered = (ansible.directory / "answers").read_text().splitlines()
    assert answered == ['yes {"secrets": {"word": "hunter2!"}}', "yes"]
    assert "hunter2!" not in " ".join([*ansible.words, *ansible.environment.values()])
    assert ansible.environment["RUNBOOK_NAMES"] == "yes"
    assert "hunter2!" not in repr(secret)
    (ansible.directory / "answers").unlink()
    ansible.executor().resolve(secret, NOTHING)
    assert (ansible.directory / "answers").read_text().splitlines() == ["no"]


def test_hosts_named_for_this_part_come_before_the_limit_of_the_run(job, ansible, run):
    ansible.says(INVENTORY, END)

    run(replace(job, limit="all"), limit=["one", "two"])

    assert ansible.words[ansible.words.index("--limit") + 1].startswith("@")
    assert (ansible.directory / "limit").read_text() == "one\ntwo\n"


def test_what_cannot_be_recorded_does_not_go_on(job, ansible, run):
    ansible.says(INVENTORY, START, then="open('went-on', 'w')")

    with pytest.raises(AuditError, match="full at inventory"):
        run(job, handle=spoil)

    assert not (ansible.directory / "went-on").exists()


def test_a_plugin_that_does_not_report_the_inventory_first_is_not_believed(job, ansible, run):
    heard = []
    ansible.says(START)

    with pytest.raises(ExecutionError, match="reported before the inventory"):
        run(job, handle=heard.append)

    assert heard == []


@pytest.mark.parametrize(
    ("does", "error", "message"),
    [
        (
            "echo 'ERROR! no such plugin' >&2; exit 1",
            ExecutionError,
            "before it began (exit code 1):\nERROR! no such plugin",
        ),
        ("exit 0", ExecutionError, "before it began (exit code 0):\nit printed nothing"),
        (
            "echo 'Specified inventory, host pattern and/or --limit leaves us with no hosts to target.'; exit 1",
            UnreachableError,
            "the inventory leaves no host",
        ),
    ],
)
def test_an_ansible_that_says_nothing_is_an_error_whatever_its_exit_code(job, ansible, does, error, message, run):
    ansible.does(does)

    with pytest.raises(error) as raised:
        run(job)

    assert message in raised.value.message
    assert raised.value.hint


def test_an_ansible_that_falls_silent_is_an_error(job, ansible, run):
    ansible.says(INVENTORY, START, then="print('MemoryError'); sys.exit(0)")

    with pytest.raises(ExecutionError, match=r"before it said how it ended \(exit code 0\):\nMemoryError"):
        run(job)


def test_a_cancellation_stops_it(job, ansible, run):
    ansible.says(INVENTORY, START, then="time.sleep(900)")

    with Cancelling(job, ansible, "SIGINT"):
        ending = run(job)

    assert (ending.why, len(ansible.reaped)) == ("cancelled", 1)


def test_a_supervisor_that_was_stopped_itself_is_not_waited_for_for_ever(job, ansible, run):
    ansible.says(INVENTORY, START, then="subprocess.Popen(['setsid', 'sleep', '900']); time.sleep(900)")

    def stop():
        wait_for(ansible.directory / "said")
        supervisor = next(pid for pid in processes.descendants(os.getpid()) if b"supervisor" in cmdline(pid))
        os.kill(supervisor, signal.SIGSTOP)
        job.cancellation.request("SIGINT")

    thread = threading.Thread(target=stop)
    thread.start()
    ending = run(job, limits={"stop": 0.5})
    thread.join()

    assert (ending, len(ansible.reaped)) == (Ending("orphaned", -signal.SIGKILL), 1)


def test_an_ansible_that_was_stopped_is_ended(job, ansible, run):
    ansible.says(INVENTORY, START, then="os.kill(os.getpid(), signal.SIGSTOP)")

    with Cancelling(job, ansible, "SIGINT"):
        ending = run(job)

    assert (ending.why, len(ansible.reaped)) == ("cancelled", 1)


def test_an_inventory_that_is_not_read_in_time_is_named_with_its_scripts(job, ansible, tmp_path, run):
    ansible.does("sleep 900; sleep 900")
    directory = tmp_path / "inventory"
    directory.mkdir()
    (directory / "cmdb.py").touch(mode=0o755)
    (directory / "hosts.yml").touch(mode=0o644)

    with pytest.raises(ExecutionError) as raised:
        run(replace(job, inventories=(*job.inventories, directory)), limits={"inventory": 0.5})

    assert raised.value.message == f"Ansible has not read the inventory within 0.5 s: {directory / 'cmdb.py'}"
    assert raised.value.hint == f"run `{directory / 'cmdb.py'} --list` and see what it waits for"


def test_what_takes_its_time_once_the_inventory_is_read_is_not_stopped(job, ansible, run):
    ansible.says(INVENTORY, START, END, then="time.sleep(5.5)")

    assert run(job, limits={"inventory": 5.0}).why == "exited"


def test_what_was_asked_before_the_supervisor_was_there_is_not_forgotten(job, ansible, run):
    ansible.says(INVENTORY, START, then="time.sleep(900)")
    job.cancellation.request("SIGINT")

    assert run(job).why == "cancelled"


def test_what_is_begun_when_a_request_has_had_its_effect_goes_on(job, ansible, run):
    ansible.says(INVENTORY, START, END, then="time.sleep(0.3)")
    job.cancellation.request("SIGINT")
    job.cancellation.answered = 1

    assert run(job).why == "exited"


def test_asked_twice_it_does_not_wait_for_those_who_do_not_obey(job, ansible, run):
    ansible.says(INVENTORY, START, then="signal.signal(15, signal.SIG_IGN); time.sleep(900)")

    with Cancelling(job, ansible, "SIGINT", "SIGINT"):
        ending = run(job)

    assert (ending, len(ansible.reaped)) == (Ending("orphaned", -signal.SIGKILL), 1)


def test_when_the_supervisor_is_killed_the_command_ends_what_it_left(job, ansible, run):
    ansible.says(INVENTORY, START, then="subprocess.Popen(['setsid', 'sleep', '900']); time.sleep(900)")

    def kill():
        wait_for(ansible.directory / "said")
        supervisor = next(pid for pid in processes.descendants(os.getpid()) if b"supervisor" in cmdline(pid))
        os.kill(supervisor, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    ending = run(job)
    thread.join()

    assert (ending, len(ansible.reaped)) == (Ending("orphaned", -signal.SIGKILL), 1)


def test_the_parts_of_a_session_share_a_supervisor_and_its_place_but_nothing_that_one_of_them_was_told(job, ansible):
    noted = []
    job = replace(job, on_workspace=noted.append)
    show = "echo $(ps -o ppid= $PPID) $ANSIBLE_SSH_CONTROL_PATH_DIR >>shared; cd ${ANSIBLE_CONFIG%/*}; cat captured.json >>DIR/told"
    ansible.says(INVENTORY, END)
    speak = f"{show.replace('DIR', str(ansible.directory))}; cd {ansible.directory}; exec {sys.executable} -IS speak.py"
    ansible.does(speak)

    with ansible.executor().session(job) as session:
        for captured in ({"here": {"pids": [1]}}, {}):
            session.execute(job, JobPart(("step-look",), captured=captured), handle=lambda _: None)
            assert sorted(path.name for path in noted[0].iterdir()) == ["ansible.cfg", "home", "ssh", "tmp"]
        session.execute(replace(job, run_id=OTHER_RUN), JobPart(("step-look",)), handle=lambda _: None)

    shared = (ansible.directory / "shared").read_text().splitlines()
    assert (len(shared), len(set(shared[:2])), len(set(shared)), len(noted)) == (3, 1, 2, 2)
    assert (ansible.directory / "told").read_text() == '{"here": {"pids": [1]}}{}{}'


def test_a_supervisor_that_dies_between_two_parts_is_replaced(job, ansible):
    ansible.says(INVENTORY, END)

    with ansible.executor().session(job) as session:
        for _ in range(2):
            assert session.execute(job, NOTHING, handle=lambda _: None) == Ending("exited", 0, "")
            (supervisor,) = supervisors(1)
            os.kill(supervisor, signal.SIGKILL)
            os.waitid(os.P_PID, supervisor, os.WEXITED | os.WNOWAIT)


def test_a_session_in_which_nothing_is_done_leaves_nothing(job, ansible):
    with ansible.executor().session(job):
        pass

    with pytest.raises(AuditError), ansible.executor().session(replace(job, on_workspace=lambda _: spoil(START))):
        pytest.fail("it has begun")


def supervisors(count):
    """Those of this process, once there are `count` of them: right after its exec a process shows no arguments yet."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = [pid for pid in processes.descendants(os.getpid()) if b"supervisor" in cmdline(pid)]
        if len(found) == count or time.monotonic() > deadline:
            return found
        time.sleep(0.01)


def test_what_is_ready_for_a_run_does_it_and_ends_with_its_session(job, ansible):
    # Given a supervisor that was started before anything is known of the run but its id
    ansible.says(INVENTORY, END)
    noted = []
    with ansible.executor().ready(job.run_id, job.environ) as ready:
        before = supervisors(1)
        # When the run has its session
        with ready.session(replace(job, on_workspace=noted.append)) as session:
            ending = session.execute(job, NOTHING, handle=lambda _: None)
            during = supervisors(1)
        # Then it has done the run, its place was told, and nothing of it is left
        assert (ending, during, len(before)) == (Ending("exited", 0, ""), before, 1)
        assert (len(noted), noted[0].exists(), supervisors(0)) == (1, False, [])
        # And what is done after that has another one
        assert ready.execute(job, NOTHING, handle=lambda _: None) == Ending("exited", 0, "")


@pytest.mark.parametrize(
    "change", [{"run_id": OTHER_RUN}, {"environ": {"HOME": "/elsewhere", "PATH": os.environ["PATH"]}}]
)
def test_what_is_ready_for_a_run_does_no_other_one_and_none_in_another_environment(job, ansible, change):
    ansible.says(INVENTORY, END)
    other = replace(job, **change)

    with ansible.executor().ready(job.run_id, job.environ) as ready:
        with ready.session(other) as session:
            assert len(supervisors(2)) == 2
            assert session.execute(other, NOTHING, handle=lambda _: None) == Ending("exited", 0, "")
        assert len(supervisors(1)) == 1
    assert supervisors(0) == []


def cmdline(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_supervisor_that_cannot_even_start_is_orphaned_work_and_no_crash(job, ansible, run):
    (ansible.directory / "bin" / "python").write_text("#!/bin/sh\nexit 3\n")

    assert run(job) == Ending("orphaned", 3)


def test_a_directory_that_cannot_be_noted_is_not_left_behind(job, run):
    def full(_):
        raise AuditError("the disk is full")

    with pytest.raises(AuditError):
        run(replace(job, on_workspace=full))


def test_the_directory_is_noted_before_it_is_used(job, ansible, run):
    noted = []
    ansible.says(INVENTORY, END)

    run(replace(job, on_workspace=noted.append))

    assert [str(path / "ansible.cfg") for path in noted] == [ansible.environment["ANSIBLE_CONFIG"]]


def test_a_deadline_ends_it(job, ansible, run):
    ansible.says(INVENTORY, START, then="time.sleep(900)")

    assert run(job, deadline=0.5).why == "deadline"


def test_to_resolve_is_to_hear_who_is_meant_and_to_go_no_further(job, ansible):
    ansible.says(INVENTORY, then="open('went-on', 'w')")

    assert ansible.executor().resolve(job, NOTHING) == INVENTORY
    assert not (ansible.directory / "went-on").exists()


def test_to_resolve_nothing_is_an_error_in_words(job, ansible):
    ansible.does("echo 'ERROR! the inventory is broken'; exit 1")

    with pytest.raises(ExecutionError, match="the inventory is broken"):
        ansible.executor().resolve(job, NOTHING)


def test_to_be_stopped_while_resolving_is_an_error_in_words(job, ansible):
    ansible.does("echo x >said; sleep 900")

    with Cancelling(job, ansible, "SIGINT"), pytest.raises(ExecutionError, match="before Ansible had named the hosts"):
        ansible.executor().resolve(job, NOTHING)


@pytest.mark.parametrize(("hosts", "forks"), [(0, "50"), (3, "3"), (200, "50")])
def test_as_many_workers_as_hosts_and_never_more_than_fifty(job, ansible, hosts, forks, run):
    ansible.says(INVENTORY, END)

    run(job, hosts=hosts)

    assert ansible.words[ansible.words.index("--forks") + 1] == forks
