"""An independent witness: asks a URL again and again and remembers when it was ill and when it was well again."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from runner.lab.interrupts import held

_OK = 200
_FLICKER = 0.5
"""Seconds of health too short to end an outage: while a pool fills up, a request may still find a free slot."""


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """What a URL answered: the HTTP status, 0 when there was no answer, and the JSON body, {} when there was none."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        """Whether the answer is a 200."""
        return self.status == _OK


def get(url: str, *, timeout: float = 2.0) -> HealthAnswer:
    """GET `url`, an http URL, waiting at most `timeout` seconds for each answer of the network; no proxy is asked."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request("GET", parts.path or "/")
        response = connection.getresponse()
        return HealthAnswer(response.status, json.loads(response.read()))
    except (OSError, http.client.HTTPException, ValueError):
        return HealthAnswer(0)
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Outage:
    """One time of illness, in monotonic seconds: from the sending of the first bad request to the first good answer."""

    began: float
    ended: float | None = None

    @property
    def seconds(self) -> float | None:
        """How long it lasted; None while it does."""
        return None if self.ended is None else self.ended - self.began


@dataclass(slots=True)
class Probe:
    """What has been seen of `url` so far: how often it was asked, whether it answered well last, and every outage."""

    url: str
    asked: int = 0
    healthy: bool | None = None
    outages: tuple[Outage, ...] = ()
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)
    _stopped: threading.Event = field(default_factory=threading.Event, repr=False)

    @classmethod
    @contextmanager
    def watching(cls, url: str, *, interval: float = 0.05, timeout: float = 2.0) -> Iterator[Probe]:
        """A probe that asks `url` every `interval` seconds, with `timeout` for each request, until the block ends."""
        probe = cls(url)
        thread = threading.Thread(target=probe._watch, args=(interval, timeout), name=f"probe {url}", daemon=True)

        def start(stack: ExitStack) -> None:
            thread.start()
            stack.callback(thread.join)
            stack.callback(probe._stopped.set)

        with held(start):
            yield probe

    def wait(self, *, healthy: bool, within: float) -> bool:
        """Whether the last answer was good (or bad) within `within` seconds; returns as soon as it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self.healthy is healthy, within)

    def _watch(self, interval: float, timeout: float) -> None:
        while not self._stopped.is_set():
            sent = time.monotonic()
            answer = get(self.url, timeout=timeout)
            self._note(healthy=answer.healthy, sent=sent, answered=time.monotonic())
            self._stopped.wait(interval)

    def _note(self, *, healthy: bool, sent: float, answered: float) -> None:
        with self._changed:
            if not healthy and self.healthy is not False:
                self.outages = self._begun(sent)
            elif healthy and self.healthy is False:
                self.outages = (*self.outages[:-1], Outage(self.outages[-1].began, answered))
            self.asked += 1
            self.healthy = healthy
            self._changed.notify_all()

    def _begun(self, sent: float) -> tuple[Outage, ...]:
        """The outages with one that has just begun, or with the last one that goes on."""
        last = self.outages[-1] if self.outages else None
        if last and last.ended is not None and sent - last.ended < _FLICKER:
            return (*self.outages[:-1], Outage(last.began))
        return (*self.outages, Outage(sent))
