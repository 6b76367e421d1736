"""Ansible that is imported once does what Ansible does that is started for each command."""

import json
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from runner.core.errors import ExecutionError
from runner.core.process_stat import is_alive
from runner.executor.ansible import processes
from runner.lab.drills import kept_ansible as kept_module
from runner.lab.drills.kept_ansible import kept_ansible
from runner.lab.drills.plain_ansible import PlainAnsible

pytestmark = pytest.mark.live

ATTEMPT = "{{ lookup('ansible.builtin.env', 'RUNBOOK_ATTEMPT') }}"
NOTHING = {"ansible.builtin.assert": {"that": "true"}}


@pytest.fixture
def kept(tmp_path):
    (tmp_path / "hosts.ini").write_text(f"one ansible_connection=local ansible_python_interpreter={sys.executable}\n")
    with kept_ansible() as run:
        yield PlainAnsible([tmp_path / "hosts.ini"], tmp_path, run=run)


def importers():
    """The processes of this test that have imported Ansible for others, and those that keep them."""
    ours = processes.descendants(os.getpid())
    return [pid for pid in processes.naming(kept_module.__name__) if pid in ours]


def play(ansible, *tasks, **how):
    """Do `tasks`; what Ansible printed."""
    playbook = ansible.directory / "play.yml"
    playbook.write_text(json.dumps([{"hosts": "one", "gather_facts": False, "tasks": tasks}]))
    ansible.play("the fault", playbook, {"value": "a b"}, log=ansible.directory / "play.log", **how)


def test_each_command_has_its_own_outcome_words_and_attempt(kept):
    told = {"ansible.builtin.debug": {"msg": "{{ value }}, " + ATTEMPT}}
    wrong = {"ansible.builtin.assert": {"that": "false", "fail_msg": "no order is left"}}

    play(kept, told, attempt="first")
    first = kept.said(kept.directory / "play.log")
    with pytest.raises(ExecutionError) as caught:
        play(kept, wrong, attempt="second")
    play(kept, told)

    assert (first, kept.said(kept.directory / "play.log")) == ({"one": "a b, first"}, {"one": "a b, "})
    assert (caught.value.message, caught.value.hint) == ("the fault failed", "one: no order is left")


def test_it_says_of_an_inventory_and_of_a_playbook_what_ansible_says(kept, tmp_path):
    fresh = PlainAnsible(kept.inventories, tmp_path)
    bad = {"no_such_module": {}}

    assert kept.inventory() == fresh.inventory()
    said = []
    for ansible in (kept, fresh):
        with pytest.raises(ExecutionError):
            play(ansible, bad)
        said.append((tmp_path / "play.log").read_text())
    assert said[0] == said[1] != ""


def test_each_of_several_threads_has_the_answer_to_what_it_has_asked(kept, tmp_path):
    (tmp_path / "broken.yml").write_text("all: {hosts: ")
    inventories = [kept.inventories, [tmp_path / "broken.yml"]] * 2

    def read(number):
        place = tmp_path / f"place-{number}"
        place.mkdir()
        try:
            return list(replace(kept, inventories=inventories[number], directory=place).inventory().variables)
        except ExecutionError as error:
            return error.message

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(read, range(4)))

    assert answers == [["one"], "the reading of the inventory failed"] * 2


def test_ansible_is_imported_once_and_ends_with_the_block(kept, tmp_path):
    with kept_ansible() as run:
        ansible = PlainAnsible(kept.inventories, tmp_path, run=run)
        play(ansible, NOTHING)
        first = importers()
        play(ansible, NOTHING)

        assert importers() == first != []

    assert importers() == []


def test_ansible_is_imported_again_where_somebody_has_killed_what_had_imported_it(kept):
    play(kept, NOTHING)
    begun = importers()
    os.kill(begun[-1], signal.SIGKILL)
    while any(map(is_alive, begun)):  # what is ending has no name any more, and still holds what it reads from
        time.sleep(0.02)

    play(kept, {"ansible.builtin.debug": {"msg": "again"}})

    assert kept.said(kept.directory / "play.log") == {"one": "again"}


def test_a_play_of_which_somebody_kills_the_process_fails_and_says_so(kept, tmp_path):
    play(kept, NOTHING)

    with pytest.raises(ExecutionError) as caught:
        play(kept, {"ansible.builtin.shell": f"kill -KILL {importers()[-1]}; sleep 300"})

    assert (caught.value.message, caught.value.hint) == ("the fault failed", "somebody ended the process that did it")


def test_what_a_play_leaves_on_this_machine_ends_with_it(kept, tmp_path):
    left = f"setsid sh -c 'echo $$ >{tmp_path}/pid; exec sleep 300' </dev/null >/dev/null 2>&1 &"
    play(kept, {"ansible.builtin.shell": f"{left} while [ ! -s {tmp_path}/pid ]; do sleep 0.05; done"})

    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_an_interrupt_ends_the_play_and_the_next_one_has_its_own_answer(kept, tmp_path):
    pid = tmp_path / "pid"

    def interrupt():
        while not (pid.exists() and pid.read_text().endswith("\n")):
            time.sleep(0.02)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    play(kept, NOTHING)
    other = threading.Thread(target=interrupt)
    other.start()
    with pytest.raises(KeyboardInterrupt):
        play(kept, {"ansible.builtin.shell": f"echo $$ >{pid}; sleep 300"})
    other.join()

    assert not is_alive(int(pid.read_text()))
    with pytest.raises(ExecutionError, match="the fault failed"):
        play(kept, {"ansible.builtin.assert": {"that": "false"}})
