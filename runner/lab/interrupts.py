"""Ctrl-C waits: nothing is interrupted half-way through being started or taken down."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any, TypeVar

_DEFERRED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_Started = TypeVar("_Started")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold SIGINT, SIGTERM and SIGHUP back until the block is done, then deliver them.

    The handlers are replaced, not the signals blocked: every process started meanwhile would inherit a mask, and the
    kernel would hand the signal to another thread. Outside the main thread Python delivers none: nothing is held.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    before: dict[signal.Signals, Any] = {}

    def note(number: int, _frame: FrameType | None) -> None:
        caught.append(number)

    try:
        for number in _DEFERRED:
            before[number] = signal.signal(number, note)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in dict.fromkeys(caught):
            signal.raise_signal(late)


@contextmanager
def held(start: Callable[[ExitStack], _Started]) -> Iterator[_Started]:
    """What `start` returns, with everything it left on the stack undone when the block ends, however it ends.

    An interrupt during the start is delivered when the start is complete, one during the end when nothing is left.
    """
    stack = ExitStack()
    try:
        with uninterrupted():
            started = start(stack)
        yield started
    finally:
        with uninterrupted():
            stack.close()
