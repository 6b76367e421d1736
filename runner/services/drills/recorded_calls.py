"""Whom a drill would have called: each channel is swapped for one that records, and the real one is the judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, cast

from runner.channels.base import WORDS, Action, Page
from runner.channels.webhook import Webhook
from runner.core.deferred import dataclass
from runner.lab.receiver import Receiver
from runner.model.contacts import Contact
from runner.render.drills.drill_result import WouldBeCall


@dataclass(frozen=True, slots=True)
class Switchboard:
    """The `contacts` by whom a run calls, in the place of the `real` ones, and where what they are told is recorded."""

    contacts: Mapping[str, Contact]
    real: Mapping[str, Contact]
    receiver: Receiver
    before: int = field(default=0)

    @classmethod
    def recording(cls, real: Mapping[str, Contact], receiver: Receiver) -> Switchboard:
        """One on which nobody is called: the `receiver` gets everything, at whatever hour."""
        contacts = {
            name: contact.model_copy(update={"channels": (Webhook(url=f"{receiver.url}{name}"),), "hours": ()})
            for name, contact in real.items()
        }
        return cls(contacts, real, receiver, len(receiver.received))

    @classmethod
    def for_real(cls, real: Mapping[str, Contact], receiver: Receiver) -> Switchboard:
        """One that calls people."""
        return cls(real, real, receiver, len(receiver.received))

    @property
    def calls_people(self) -> bool:
        """Whether somebody hears of what is told."""
        return self.contacts is self.real

    def calls(self) -> tuple[WouldBeCall, ...]:
        """What was recorded since it was made."""
        return tuple(self._call(name, message) for name, message in self.receiver.received[self.before :])

    def _call(self, name: str, message: Mapping[str, Any]) -> WouldBeCall:
        data, contact = message["data"], self.real.get(name)
        page = _page(message)
        able = [channel for channel in contact.channels if channel.does(page.action)] if contact else []
        problems = tuple(f"{each.key}: {why}" for each in able for why in each.problems(page))
        if not able and page.action == "trigger":
            problems = (f"{name} has no channel to {WORDS[page.action]}",)
        channels = tuple(channel.key for channel in able)
        return WouldBeCall(name, channels, str(data["action"]), str(data["summary"]), problems)


def _page(message: Mapping[str, Any]) -> Page:
    """The page that was told by `message`, a CloudEvent."""
    data = message["data"]
    return Page(
        action=cast("Action", data["action"]),
        dedup_key=data["dedup_key"],
        summary=data["summary"],
        severity=data["severity"],
        source=data["source"],
        component=data["component"],
        group=data["group"],
        details=data["details"],
        links=tuple((link["href"], link["text"]) for link in data["links"]),
        timestamp=datetime.fromisoformat(message["time"]),
        id=message["id"],
    )
