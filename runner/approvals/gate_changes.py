"""What has become another thing since people were asked, in sentences: the words or lines that differ, and where."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from difflib import SequenceMatcher
from itertools import takewhile
from operator import eq
from typing import Any

from runner.approvals.gate_context import GateContext, HostAction, canonical

_WORDS = ("call.module", "call.args.argv", "call.args.stdin", "call.items", "call.tasks")
"""What the text of an action says better than its parameters."""

_AROUND = ("env ", "as ", "chdir: ", "file ", "uses ", "checks from ")

_NAMES = {
    "sources": "the",
    "inputs": "the input",
    "captured": "the captured value",
    "connection": "the setting",
    "files": "the file",
    "uses": "the variable",
    "looks_from": "the machine that looks,",
    "steps": "the step",
}
"""The first word of a path, in words."""

_ABSENT = object()
"""What stands for a value that is not there, which is another thing than one that is null."""

_LONGEST, _BESIDE = 200, 40
"""Characters of a value that are shown whole, and of a longer one those on both sides of what differs."""


def differences(before: GateContext, now: GateContext) -> list[str]:
    """What has become another thing, each with what it was and what it is; empty where both are the same."""
    ours, theirs = (json.loads(canonical(context.decisive())) for context in (before, now))
    hosts = [
        line
        for host in dict.fromkeys([*before.hosts, *now.hosts])
        for line in _of_host(host, before.hosts.get(host), now.hosts.get(host))
    ]
    rest = [_sentence(path, was, now_) for path, was, now_ in _changes("", _rest(ours), _rest(theirs))]
    return [*hosts, *rest]


def _rest(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != "hosts"}


def _of_host(host: str, before: HostAction | None, now: HostAction | None) -> Iterator[str]:
    if before is None or now is None:
        yield f"the host {host} is {'new' if before is None else 'gone'}"
        return
    ours, theirs = (json.loads(canonical(asdict(action))) for action in (before, now))
    changes = list(_changes("", ours, theirs))
    found = [change for change in changes if change[0] != "text"] or changes
    paths = [path for path, *_ in found]
    where = f"on {now.on}, for {host}," if now.on and now.on == before.on else f"on {host}"
    if before.text != now.text and any(path.startswith(_WORDS) for path in paths):
        drop = ("call.args", *_WORDS[3:]) if "call.module" in paths else _WORDS
        found = [each for each in found if not each[0].startswith(drop) and each[0] != "call.module"]
        yield f"{where} {_done(*_commands(before, now))}"
    for path, was, is_ in found:
        yield f"{where} {_sentence(path, was, is_)}"


def _commands(before: HostAction, now: HostAction) -> tuple[str, str]:
    """The texts without what stands around them, which is told by itself."""
    texts = [
        "\n".join(line for line in action.text.splitlines() if not line.startswith(_AROUND)) for action in (before, now)
    ]
    return (before.text, now.text) if texts[0] == texts[1] else (texts[0], texts[1])


def _done(before: str, now: str) -> str:
    """What is done otherwise: the lines, or the items with all of their lines, that differ."""
    ours, theirs = _parts(before), _parts(now)
    matcher = SequenceMatcher(None, list(map(_unnumbered, ours)), list(map(_unnumbered, theirs)), autojunk=False)
    blocks = [block for block in matcher.get_opcodes() if block[0] != "equal"]
    gone = "\n".join(part for _, start, end, _, _ in blocks for part in ours[start:end])
    new = "\n".join(part for *_, start, end in blocks for part in theirs[start:end])
    if gone and new:
        return f"what is done was {' and is now '.join(_values(gone, new))}"
    return f"what is done has besides now `{new}`" if new else f"what is done has no longer `{gone}`"


def _parts(text: str) -> Sequence[str]:
    """Its items, if it has any, or its lines."""
    lines = text.splitlines()
    if not any(re.match(r"\[\d+\] ", line) for line in lines):
        return lines
    return [part.rstrip("\n") for part in re.split(r"^(?=\[\d+\] )", text, flags=re.MULTILINE) if part]


def _unnumbered(part: str) -> str:
    """An item without its number, and the indentation of its other lines, which is as wide."""
    number = re.match(r"\[\d+\] ", part)
    return part.removeprefix(number[0]).replace("\n" + " " * len(number[0]), "\n") if number else part


def _sentence(path: str, was: Any, now: Any) -> str:
    first, _, rest = path.removeprefix("call.").partition(".")
    first = "the machine that does it" if path == "on" else first
    name = f"{_NAMES[first]} {rest}" if first in _NAMES and rest else f"{first.replace('_', ' ')} {rest}".strip()
    return f"{name} was {' and is now '.join(_values(was, now))}"


def _values(was: Any, now: Any) -> tuple[str, str]:
    """Both in words; of long ones what differs, and what stands beside it."""
    ours, theirs = ("" if each is _ABSENT else _text(each) for each in (was, now))
    if max(len(ours), len(theirs)) > _LONGEST and _ABSENT not in (was, now):
        begin = _same(ours, theirs)
        end = _same(ours[begin:][::-1], theirs[begin:][::-1])
        ours, theirs = (_around(each, begin, len(each) - end) for each in (ours, theirs))
    words = ["not set" if each is _ABSENT else f"`{text}`" for each, text in ((was, ours), (now, theirs))]
    return words[0], words[1]


def _same(one: str, other: str) -> int:
    """With how many of the same characters both begin."""
    return len(list(takewhile(bool, map(eq, one, other))))


def _around(text: str, begin: int, end: int) -> str:
    first, last = max(0, begin - _BESIDE), min(len(text), end + _BESIDE)
    return ("..." if first else "") + text[first:last] + ("..." if last < len(text) else "")


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else canonical(value)
    return text[:12] if re.fullmatch("[0-9a-f]{64}", text) else text


def _changes(path: str, was: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    """Each smallest part that differs, by its path: mappings key by key, lists of the same length item by item."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*was, *now]):
            yield from _changes(f"{path}.{key}" if path else key, was.get(key, _ABSENT), now.get(key, _ABSENT))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now) and _is_records([*was, *now]):
        for number, (one, other) in enumerate(zip(was, now, strict=True), 1):
            yield from _changes(f"{path}[{one.get('name', number)}]", one, other)
    elif canonical(was) != canonical(now) if _ABSENT not in (was, now) else was is not now:
        yield path, was, now


def _is_records(items: Sequence[Any]) -> bool:
    return all(isinstance(item, dict) for item in items)
