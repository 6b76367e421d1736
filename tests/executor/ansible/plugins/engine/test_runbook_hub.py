"""Greenlets give way while they wait, and each finds the marker of its own attempt when it goes on."""

from __future__ import annotations

import os
import selectors
import time

import pytest
from harness import PATIENCE
from runbook_hub import ATTEMPT, Hub


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setenv(ATTEMPT, "the run")
    return Hub()


def poll(hub, done, count):
    deadline = time.monotonic() + PATIENCE
    while len(done) < count and time.monotonic() < deadline:
        hub.poll(0.1)


def test_who_sleeps_lets_the_others_go_on(hub):
    # Given two that sleep, the longer one first
    done = []
    for seconds in (0.3, 0.1):
        hub.start(lambda _, seconds=seconds: (hub.sleep(seconds), done.append(seconds)))
    assert done == []
    # When somebody waits for both
    poll(hub, done, 2)
    # Then they have slept at the same time
    assert done == [0.1, 0.3]


def test_each_finds_its_own_attempt_and_leaves_that_of_whoever_polls(hub):
    # Given two attempts that are begun in turn
    done = []
    for attempt in ("one", "two"):
        os.environ[ATTEMPT] = attempt
        hub.start(lambda _: (hub.sleep(0.05), done.append(os.environ[ATTEMPT])))
    os.environ[ATTEMPT] = "the run"
    # When they go on
    poll(hub, done, 2)
    # Then each has the marker that it had when it was begun
    assert (sorted(done), os.environ[ATTEMPT]) == (["one", "two"], "the run")


def test_a_fork_that_a_worker_makes_is_no_worker(hub):
    # Given a worker that hands its task over to a process of its own, as Ansible's are
    codes = []

    def fork(_):
        child = os.fork()
        if not child:
            os._exit(0 if hub.current() is None else 1)
        codes.append((os.waitpid(child, 0)[1], hub.current() is None))

    # When it is done
    hub.start(fork)
    # Then that process waits by itself, and asks the hosts as Ansible does
    assert codes == [(0, False)]


def test_what_comes_on_a_pipe_is_told_until_nobody_watches_it_any_more(hub):
    # Given a pipe that is watched
    reading, writing = os.pipe()
    told = []
    hub.watch(reading, selectors.EVENT_READ, lambda _: told.append(os.read(reading, 1)))
    # When something is written, and once more after the watch has ended
    os.write(writing, b"ab")
    hub.poll(5)
    hub.watch(reading, 0, None)
    hub.poll(0)
    # Then only the first was told
    assert told == [b"a"]
    for pipe in (reading, writing):
        os.close(pipe)


def test_what_can_wait_is_done_once_nothing_has_come(hub):
    # Given something that has come, and two things that can wait
    reading, writing = os.pipe()
    done = []
    hub.watch(reading, selectors.EVENT_READ, lambda _: done.append(os.read(reading, 1)))
    os.write(writing, b"a")
    for each in ("first", "second"):
        hub.when_idle(lambda each=each: done.append(each))
    # When it is polled, however long it may wait
    for _ in range(3):
        hub.poll(PATIENCE)
    # Then each is done alone, and none of them is waited before
    assert done == [b"a", "first", "second"]
    hub.watch(reading, 0, None)
    for pipe in (reading, writing):
        os.close(pipe)


def test_what_a_worker_waits_for_may_fail(hub):
    # Given a worker that waits
    waiting, complaints = [], []

    def work(_):
        waiting.append(hub.current())
        try:
            hub.wait()
        except ValueError as error:
            complaints.append(str(error))

    hub.start(work)
    # When that fails
    hub.resume(waiting[0], error=ValueError("gone"))
    # Then it is told where it waits
    assert complaints == ["gone"]


def test_outside_of_a_worker_everybody_sleeps_as_ever(hub):
    begun = time.monotonic()

    hub.sleep(0.05)

    assert (hub.current(), time.monotonic() - begun >= 0.05) == (None, True)


def test_who_still_waits_at_its_limit_is_told_so_and_nobody_else_is(hub):
    # Given two that wait for something, one of them for so long at most, and one that sleeps
    done, workers = [], []

    def work(limit):
        hub.current().limit = limit
        workers.append(hub.current())
        try:
            done.append(hub.wait())
        except TimeoutError as error:
            done.append(str(error))

    hub.start(lambda _: work((time.monotonic() + 0.1, TimeoutError("too late"))))
    hub.start(lambda _: work(None))
    hub.start(lambda _: (hub.sleep(0.3), done.append("slept")))
    # When its time has come, and then what the other one waits for
    poll(hub, done, 2)
    hub.resume(workers[1], "an answer")
    # Then
    assert done == ["too late", "slept", "an answer"]


def test_who_has_gone_on_before_its_limit_is_not_told_of_it(hub):
    # Given one that waits twice, and has something before its limit the first time
    done, workers = [], []

    def work(_):
        hub.current().limit = (time.monotonic() + 0.1, TimeoutError("too late"))
        workers.append(hub.current())
        done.append(hub.wait())
        hub.current().limit = None
        done.append(hub.wait())

    hub.start(work)
    hub.resume(workers[0], "first")
    # When the limit passes
    time.sleep(0.15)
    hub.poll(0)
    hub.resume(workers[0], "second")
    # Then
    assert done == ["first", "second"]
