# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several tasks at once in one process: each in a greenlet, which gives way while it waits for a host or for a time."""

from __future__ import annotations

import collections
import contextvars
import heapq
import itertools
import os
import selectors
import time

import greenlet

ATTEMPT = "RUNBOOK_ATTEMPT"


class Worker(greenlet.greenlet):
    """A task that is being done on one host; `asked` says whether it has had something done there already.

    Where it has a `limit`, a time and an error, it is told the error when it still waits at that time.
    """

    def __init__(self, work, attempt):
        super().__init__(work)
        self.gr_context = contextvars.copy_context()
        self.attempt = attempt
        self.asked, self.limit = False, None


class Hub:
    """Where greenlets wait; whoever polls it lets those go on for which something has come."""

    def __init__(self):
        self._main, self._process = greenlet.getcurrent(), os.getpid()
        self._selector = selectors.DefaultSelector()
        self._timers, self._idle = [], collections.deque()
        self._numbers = itertools.count()

    def current(self):
        """The worker that runs now; None in Ansible's own code, and in a fork of this process."""
        worker = greenlet.getcurrent()
        return worker if isinstance(worker, Worker) and self._process == os.getpid() else None

    def start(self, work):
        """Do the work until it waits for something the first time."""
        self.resume(Worker(work, os.environ.get(ATTEMPT)))

    def resume(self, worker, value=None, *, error=None):
        """Let a worker that waits go on; with the marker of its own attempt, which its templates look up."""
        before = os.environ.get(ATTEMPT)
        _set_attempt(worker.attempt)
        try:
            if error is not None:
                worker.throw(error)
            else:
                worker.switch(value)
        finally:
            _set_attempt(before)

    def wait(self):
        """Give way until somebody resumes the worker that runs now; what it is resumed with."""
        limit = greenlet.getcurrent().limit
        return self._wait_until(*limit) if limit else self._main.switch()

    def _wait_until(self, moment, error=None):
        """The same; at that moment it is resumed in any case, with the error if there is one."""
        timer = [moment, next(self._numbers), greenlet.getcurrent(), error]
        heapq.heappush(self._timers, timer)
        try:
            return self._main.switch()
        finally:
            timer[2] = None

    def sleep(self, seconds):
        """Give way for so many seconds; outside of a worker, wait as everybody does."""
        worker = self.current()
        if worker is None:
            time.sleep(seconds)
            return
        self._wait_until(time.monotonic() + seconds)

    def watch(self, pipe, events, ready):
        """Call `ready(events)` whenever the pipe is; no events: never again."""
        known = pipe in self._selector.get_map()
        if not events:
            if known:
                self._selector.unregister(pipe)
        elif known:
            self._selector.modify(pipe, events, ready)
        else:
            self._selector.register(pipe, events, ready)

    def when_idle(self, work):
        """Do the work, which takes a moment, once all wait."""
        self._idle.append(work)

    def poll(self, most):
        """Let all go on for whom something has come, after waiting for `most` seconds at most."""
        if self._idle:
            most = 0.0
        elif self._timers:
            most = max(0.0, min(most, self._timers[0][0] - time.monotonic()))
        found = self._selector.select(most)
        if self._idle and not found:
            self._idle.popleft()()
        for key, events in found:
            watched = self._selector.get_map().get(key.fd)
            if watched and watched.data == key.data:  # whoever went on just now may have closed it
                key.data(events)
        while self._timers and self._timers[0][0] <= time.monotonic():
            _, _, worker, error = heapq.heappop(self._timers)
            if worker:
                self.resume(worker, error=error)


def _set_attempt(attempt):
    if attempt is None:
        os.environ.pop(ATTEMPT, None)
    else:
        os.environ[ATTEMPT] = attempt
