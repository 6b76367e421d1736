"""Ctrl-C waits until what is being started is started, and what is being taken down is down."""

import os
import signal
import threading

import pytest

from runner.lab.interrupts import held, uninterrupted


def interrupt_from_another_thread():
    thread = threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGINT))
    thread.start()
    thread.join()


@pytest.mark.parametrize("interrupt", [lambda: signal.raise_signal(signal.SIGINT), interrupt_from_another_thread])
def test_an_interrupt_is_delivered_after_the_block(interrupt):
    done = []

    def work():
        with uninterrupted():
            interrupt()
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["all of it"]


def test_the_handlers_are_as_before():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]

    with uninterrupted(), uninterrupted():
        pass

    assert [signal.getsignal(number) for number in numbers] == before


def test_outside_the_main_thread_nothing_is_held_and_nothing_breaks():
    done = []

    def work():
        with uninterrupted():
            done.append("all of it")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert done == ["all of it"]


@pytest.mark.parametrize("moment", ["start", "block", "end", "end, twice"])
def test_whenever_the_interrupt_comes_all_that_was_started_is_undone_once(moment):
    happened = []

    def interrupt(now):
        happened.append(now)
        if moment.startswith(now):
            for _ in range(2 if moment.endswith("twice") else 1):
                signal.raise_signal(signal.SIGINT)

    def start(stack):
        stack.callback(happened.append, "first undone")
        stack.callback(interrupt, "end")
        interrupt("start")
        stack.callback(happened.append, "second undone")

    with pytest.raises(KeyboardInterrupt), held(start):
        interrupt("block")

    block = [] if moment == "start" else ["block"]
    assert happened == ["start", *block, "second undone", "end", "first undone"]


def test_a_start_that_fails_half_way_is_undone():
    happened = []

    def start(stack):
        stack.callback(happened.append, "undone")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"), held(start):
        happened.append("block")

    assert happened == ["undone"]
