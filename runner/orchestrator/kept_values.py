"""What a step keeps for later: what it captures, and the items that it is done for; and whether that can be used."""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from runner.core.characters import unfit
from runner.core.deferred import regex
from runner.core.events import Event, EventType
from runner.core.identifiers import Marker
from runner.core.step_tags import captured_fact, item_of, items_fact
from runner.model.names import ITEM
from runner.store.log.envelope import Record

KEPT = frozenset({"capture", "capture/all", "items"})
"""The parts of a step that keep something."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_ESCAPE = regex(r"\\\\x[0-9a-f]{2}")
_TOO_MUCH = "more than 1,048,576 characters, and a later step would take a part for the whole"


def kept_event(run: str, marker: Marker, message: Mapping[str, Any]) -> Event:
    """What the task of `marker` has kept, by its `message`: the items of a step, or what was captured.

    What was captured of one item stands beside what was of those before; all of it as lists has a part to prove.
    """
    values, host = message["result"].get("ansible_facts", {}), message["host"]
    withheld = {"withheld": names} if (names := message.get("withheld")) else {}
    if marker.part == "items":
        items = next((value for value in values.values() if isinstance(value, list)), [])
        data = {"part": "items", "count": len(items), "items": items, **withheld}
        return Event(EventType.STEP_EXPANDED, run, marker.step, host, data)
    if ITEM in message:
        values = _row(values, message[ITEM])
        withheld = {"withheld": list(values)} if withheld else {}
    part = {"part": "capture"} if marker.part == "capture/all" else {}
    return Event(EventType.VALUES_CAPTURED, run, marker.step, host, {"values": values, **withheld, **part})


def _row(facts: Mapping[str, Any], number: int) -> dict[str, Any]:
    """What was kept of the item with that number."""
    rows = [row for rows in facts.values() if isinstance(rows, list) for row in rows if isinstance(row, Mapping)]
    return next(({name: row[name] for name in row if name != ITEM} for row in rows if row.get(ITEM) == number), {})


def unusable(result: Mapping[str, Any], *, escaped: bool) -> str:
    """Why a later step cannot be given what was kept; empty where it can.

    With `escaped` there were bytes in the output that are no text.
    """
    if result.get("truncated"):
        return f"captures too much: {_TOO_MUCH}"
    for name, what in result.get("altered", {}).items():
        return (
            f"what is captured as {name} is {what}: only what JSON has stays what it is; make a text of it: `| string`"
        )
    for name, value in result.get("ansible_facts", {}).items():
        if reason := unfit(value):
            return f"what is captured as {name} {reason}"
        if escaped and _ESCAPE.search(json.dumps(value)):
            return f"what is captured as {name} is not text in UTF-8: bytes of it stand as escapes in the output"
    return ""


_KEPT = frozenset({EventType.VALUES_CAPTURED, EventType.STEP_EXPANDED, EventType.STEP_DECIDED})
"""What gives values that later parts of the run need."""


def remembered(event: Event, captured: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """All that the hosts are known by on which `event` changes that, `captured` being what they were known by before.

    A value that held a secret is not remembered: a later step must not take `***` for it.
    """
    step = event.step or ""
    if event.type is EventType.STEP_REOPENED and event.data["redo"]:
        gone = {items_fact(step), captured_fact(step)}
        hosts = [host for host in event.data["hosts"] if gone & captured.get(host, _NOTHING).keys()]
        return {host: {name: captured[host][name] for name in captured[host] if name not in gone} for host in hosts}
    if event.host is None or event.type not in _KEPT:
        return {}
    before = captured.get(event.host, _NOTHING)
    return {event.host: {**before, **_remembered(event, step, before)}}


def _remembered(event: Event, step: str, before: Mapping[str, Any]) -> dict[str, Any]:
    withheld = event.data.get("withheld", ())
    if event.type is EventType.STEP_EXPANDED:
        return {} if withheld else {items_fact(step): event.data["items"]}
    values = {name: value for name, value in event.data.get("values", {}).items() if name not in withheld}
    if (item := item_of(step)) is None:
        return values
    name = captured_fact(item[0])
    rows = [row for row in before.get(name, ()) if row[ITEM] != item[1]]
    return {name: rows if withheld else [*rows, {ITEM: item[1], **values}]}


def forgotten(records: Iterable[Record]) -> dict[str, set[str]]:
    """The names of what was captured of each host and held a secret, so that it is not remembered.

    What was captured of one item is a part of the whole list, which then is not what it was either.
    """
    names: dict[str, set[str]] = {}
    for record in records:
        if record.type == EventType.VALUES_CAPTURED and record.host is not None:
            own, withheld = names.setdefault(record.host, set()), record.data.get("withheld", ())
            if item_of(record.step or "") is None:
                own.difference_update(record.data.get("values", {}))
            own.update(withheld)
    return names
