"""An independent witness: asks again and again, and remembers when the answer was bad and when it was good again."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import field
from typing import Any, Self
from urllib.parse import urlsplit

from runner.core.deferred import dataclass
from runner.lab.interrupts import held

_OK = 200
_FLICKER = 0.5
"""Seconds of health too short to end an outage: while a pool fills up, a request may still find a free slot."""
STEADY = 5
"""So many good answers in a row say that a system is well: one is luck where only some of its hosts answer."""


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
class ProbeAnswer:
    """One look at a system: whether what was seen is good, and what that was, by the names that conditions use."""

    good: bool
    seen: Mapping[str, Any] = field(default_factory=dict)


Ask = Callable[[], ProbeAnswer]
"""Looks once; it comes back in a few seconds at most, and whatever goes wrong is a bad look."""


def health(url: str, *, timeout: float = 2.0) -> Ask:
    """Whether `url` answers 200."""

    def ask() -> ProbeAnswer:
        answer = get(url, timeout=timeout)
        return ProbeAnswer(answer.healthy, {"status": answer.status, "json": answer.body})

    return ask


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
    """What has been seen so far: how often it was asked, how many answers were bad, the last one, and every outage."""

    ask: Ask
    asked: int = 0
    bad: int = 0
    last: ProbeAnswer | None = None
    outages: tuple[Outage, ...] = ()
    good_in_a_row: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)
    _stopped: threading.Event = field(default_factory=threading.Event, repr=False)

    @classmethod
    @contextmanager
    def watching(cls, ask: Ask, *, interval: float = 0.05) -> Iterator[Self]:
        """A probe that asks again `interval` seconds after each answer, until the block ends."""
        probe = cls(ask)
        thread = threading.Thread(target=probe._watch, args=(interval,), name="probe", daemon=True)

        def start(stack: ExitStack) -> None:
            thread.start()
            stack.callback(thread.join)
            stack.callback(probe._stopped.set)

        with held(start):
            yield probe

    @property
    def healthy(self) -> bool | None:
        """Whether the last answer was good; None before the first one."""
        return None if self.last is None else self.last.good

    def wait_for(self, suits: Callable[[ProbeAnswer], bool], *, within: float) -> bool:
        """Whether one of the next answers, or the last one, `suits` within `within` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self.last is not None and suits(self.last), within)

    def wait(self, *, healthy: bool, within: float, unless: Callable[[], bool] = lambda: False) -> bool:
        """Whether the last answer was good (or bad) within `within` seconds; returns as soon as it is, or `unless`."""
        self.wait_for(lambda look: look.good is healthy or unless(), within=within)
        return self.healthy is healthy

    def wait_steady(self, *, within: float, unless: Callable[[], bool] = lambda: False) -> bool:
        """Whether the last answers were all good, `STEADY` of them, within `within` seconds; as above, or `unless`."""
        self.wait_for(lambda _look: self.good_in_a_row >= STEADY or unless(), within=within)
        return self.good_in_a_row >= STEADY

    def wait_for_another(self, *, within: float, least: int = 0) -> bool:
        """Whether an answer came to a question that is asked from now on, and `least` so many in all.

        It waits `within` so many seconds.
        """
        with self._changed:
            enough = max(self.asked + 2, least)  # one question may be on its way
            return self._changed.wait_for(lambda: self.asked >= enough, within)

    def _watch(self, interval: float) -> None:
        while not self._stopped.is_set():
            sent = time.monotonic()
            look = self.ask()
            self._note(look, sent=sent, answered=time.monotonic())
            self._stopped.wait(interval)

    def _note(self, look: ProbeAnswer, *, sent: float, answered: float) -> None:
        with self._changed:
            if not look.good and self.healthy is not False:
                self.outages = self._begun(sent)
            elif look.good and self.healthy is False:
                self.outages = (*self.outages[:-1], Outage(self.outages[-1].began, answered))
            self.asked += 1
            self.bad += not look.good
            self.good_in_a_row = self.good_in_a_row + 1 if look.good else 0
            self.last = look
            self._changed.notify_all()

    def _begun(self, sent: float) -> tuple[Outage, ...]:
        """The outages with one that has just begun, or with the last one that goes on."""
        last = self.outages[-1] if self.outages else None
        if last and last.ended is not None and sent - last.ended < _FLICKER:
            return (*self.outages[:-1], Outage(last.began))
        return (*self.outages, Outage(sent))
