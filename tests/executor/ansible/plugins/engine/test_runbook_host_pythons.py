"""The Pythons that stay on hosts: one is asked again, replaced where it is stale or gone, and ended where there are many."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from harness import PATIENCE
from harness.ansible_actions import action_by
from runbook_host_pythons import HostPythons
from runbook_hub import ATTEMPT, Hub

from runner.executor.ansible.left_pythons import LeftPythons

SHEBANG = f"#!{sys.executable}"
WHERE = {"_raw_params": "pwd", "_uses_shell": False}
COMMAND = {"_raw_params": "sh -c 'echo $PPID'", "_uses_shell": False}


class Asked:
    """Commands on this machine, each by a connection of its own, and who has done them."""

    def __init__(self, left=None):
        self.hub = Hub()
        self.pythons = HostPythons(self.hub, left)

    def do(self, **options):
        """Do the command by the Python of a host that is set up so; who has done commands by now."""
        self.answer(COMMAND, **options)
        return self.processes()

    def answer(self, command, **options):
        """What it prints there."""
        answers = []
        action = action_by("local", **options)
        action._used_interpreter = SHEBANG
        self.hub.start(lambda _: answers.append(self.pythons.answer(action, command, {})))
        deadline = time.monotonic() + PATIENCE
        while not answers and time.monotonic() < deadline:
            self.hub.poll(1)
        assert answers[0]["rc"] == 0, answers
        return json.loads(answers[0]["stdout"])["stdout"]

    def processes(self):
        return [python._process.pid for python in self.pythons._pythons.values()]

    def end(self):
        for python in list(self.pythons._pythons.values()):
            self.retired(python)

    def retired(self, python):
        python.retire()
        deadline = time.monotonic() + PATIENCE
        while not python.ended and time.monotonic() < deadline:
            self.hub.poll(1)


@pytest.fixture
def asked(monkeypatch, tmp_path):
    monkeypatch.setenv(ATTEMPT, "the run")
    monkeypatch.setenv("HOME", str(tmp_path))
    made = Asked()
    yield made
    made.end()


def test_the_same_way_is_one_python_and_another_way_another_one(asked):
    first = asked.do()

    assert (asked.do(), len(asked.do(ansible_become_user="root")), asked.processes()[:1]) == (first, 1, first)


@pytest.fixture
def sudo(tmp_path):
    """What is called as sudo is, and becomes nobody else."""
    program = tmp_path / "becomes"
    program.write_text('#!/bin/sh\nexec /bin/sh -c "$8"\n')
    program.chmod(0o755)
    return program


def test_who_becomes_somebody_in_another_directory_is_done_by_another_one(asked, sudo, tmp_path):
    # Given hosts on this machine whose variables differ in nothing but where sudo is called
    places = [tmp_path / "one", tmp_path / "other"]
    for place in places:
        place.mkdir()
    # When
    options = {"become": "sudo", "ansible_become_exe": str(sudo)}
    told = [asked.answer(WHERE, **options, ansible_sudo_chdir=str(place)) for place in places]
    # Then each command stands where its own host says
    assert told == [str(place) for place in places]


def test_one_that_is_stale_is_replaced_and_the_command_is_done_once(asked, tmp_path):
    # Given one that has been given what a login is given
    (stale,) = asked.do()
    python = next(iter(asked.pythons._pythons.values()))
    # When that changes
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "environment").write_text("A=b")
    # Then the next one is another one, and the first one ends
    (fresh,) = asked.do()
    assert fresh != stale
    asked.retired(python)
    assert python.ended[0] == 0


def test_one_that_was_killed_meanwhile_is_replaced(asked):
    (first,) = asked.do()
    python = next(iter(asked.pythons._pythons.values()))
    python._process.kill()
    python._process.wait(PATIENCE)

    assert asked.do() != [first]


class Parts:
    """The parts of a run, of which each has the files of the one before as its own, as a fork has."""

    def __init__(self):
        self.kept, self.started = LeftPythons(), []
        self.leave = self.kept.leave

    @property
    def left(self):
        return [replace(each, pipes=tuple(map(os.dup, each.pipes))) for each in self.kept.left]

    def end(self, asked):
        """A part of the run, which has asked, ends."""
        asked.pythons.leave()
        self.kept.settle(keep=True)
        for python in asked.pythons._pythons.values():
            self.started += [python._process] if isinstance(python._process, subprocess.Popen) else []
            for stream in (python._process.stdin, python._process.stdout, python._process.stderr):
                python._close(stream)


@pytest.fixture
def parts(monkeypatch, tmp_path):
    monkeypatch.setenv(ATTEMPT, "the run")
    monkeypatch.setenv("HOME", str(tmp_path))
    made = Parts()
    yield made
    made.kept.close()
    for process in made.started:
        process.wait()


def test_the_next_part_of_a_run_asks_the_same_one_as_if_it_had_been_started_for_it(parts, monkeypatch):
    # Given one that has done a command in one part of a run
    first = Asked(parts)
    (pid,) = first.do()
    parts.end(first)
    # When the next part, whose environment is another one, does some
    monkeypatch.setenv("RUNBOOK_RENDER", "next")
    second = Asked(parts)
    said = second.answer({"_raw_params": "sh -c 'echo $RUNBOOK_RENDER'", "_uses_shell": False})
    # Then the same one has done them
    assert (second.do(), said) == ([pid], "next")
    parts.end(second)


def test_what_became_somebody_here_is_left_to_nobody(parts, sudo):
    # Given one that another user has, who inherits nothing of Ansible's
    first = Asked(parts)
    first.answer(WHERE, become="sudo", ansible_become_exe=str(sudo))

    parts.end(first)

    assert parts.kept.left == []


def test_with_as_many_as_there_may_be_the_one_that_was_asked_longest_ago_makes_room(asked, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (518, 518))  # room for two
    (first,) = asked.do()
    _, second = asked.do(shell="/bin/bash")
    kept = list(asked.pythons._pythons.values())

    third = asked.do(shell="/bin/dash")

    assert third[0] == second
    assert first not in third
    asked.retired(kept[0])
