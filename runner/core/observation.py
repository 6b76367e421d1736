"""What was seen where something is not as it must be: exit code, last lines, and the values in a condition."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, field, replace
from typing import Any, Self

from runner.core.deferred import dataclass, regex
from runner.core.wording import lines_joined

_LINES = 5
_LONGEST_LINE = 300
_LONGEST_VALUE = 1000
_ARGV = 2
"""Where in the arguments of `timeout` its limit stands."""

_TIMED_OUT = 124
"""The exit code with which `timeout` says that it has ended the command."""

_CLOCK = regex(r"(?:(\d+) days?, )?(\d+):(\d+):([\d.]+)")
"""How long a command took, as a module says it."""

_SHORT = 80
"""Characters of a value in a sentence."""

Value = str | int | float | bool | None
Operand = Mapping[str, Any]
"""A part of a condition as the callback plugin reports it: `name`, `value` or `missing`, and what is `worst` of it."""


_STREAMS = ("stderr", "stdout", "content", "module_stderr", "module_stdout")
"""What a module has printed, and what its Python printed where there was no module, most telling first."""


_TIMEOUT = regex(r"^timeout: failed to run command [\u2018'](.*)[\u2019']: ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Observation:
    """What an action, or the last sample of a verification, has shown; whatever it has not is empty.

    `lines` are the last of `stream`. `limit` is the time after which it was ended, where it was. `cut` has the size, in
    bytes, of each output of which only the two ends are kept. `values` has each name in the condition that does not
    hold, `first` and `worst` the same of other samples where there were several.
    """

    exit_code: int | None = None
    status: int | None = None
    stream: str = ""
    lines: tuple[str, ...] = ()
    limit: str = ""
    cut: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    first: Mapping[str, str] = field(default_factory=dict)
    worst: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_result(cls, result: Mapping[str, Any]) -> Self:
        """What a module has answered; a host may have answered anything."""
        stream = next((key for key in _STREAMS if _text(result, key)), "")
        return cls(
            exit_code=_whole(result, "rc"),
            status=_whole(result, "status"),
            stream=stream.removeprefix("module_"),
            lines=_last_lines(_text(result, stream)),
            limit=_limit(result),
            cut={key: size for key in ("stdout", "stderr") if (size := _cut_size(result, key))},
        )

    def of_text(self, name: str, text: str) -> Self:
        """The same, of which `name` is what was looked at: its last lines are shown, and its value besides is not."""
        others = {other: value for other, value in self.values.items() if other != name}
        return replace(self, stream=name, lines=_last_lines(text.strip()), values=others)

    @property
    def last_lines(self) -> str:
        """The last lines in a sentence."""
        text = lines_joined("\n".join(_cut(line, _SHORT) for line in self.lines))
        return f"it ends with {text}" if text else "it is empty"

    @classmethod
    def from_data(cls, data: object) -> Self:
        """The observation in an event's data, which may have come from a log; what is not as it must be is left out."""
        fields: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
        return cls(
            exit_code=_whole(fields, "exit_code"),
            status=_whole(fields, "status"),
            stream=str(fields.get("stream") or ""),
            lines=tuple(map(str, _list(fields.get("lines")))),
            limit=str(fields.get("limit") or ""),
            cut={name: int(size) for name, size in _texts(fields.get("cut")).items() if size.isdecimal()},
            values=_texts(fields.get("values")),
            first=_texts(fields.get("first")),
            worst=_texts(fields.get("worst")),
        )

    def data(self) -> dict[str, Any]:
        """The same for an event, without what is empty."""
        filled = {key: value for key, value in asdict(self).items() if value not in (None, "", (), {})}
        return filled | ({"lines": list(self.lines)} if self.lines else {})

    @property
    def sentence(self) -> str:
        """`exit code 42: disk full on /var`, as far as there is one that is not 0."""
        if not self.exit_code:
            return ""
        ended = f"killed by signal {-self.exit_code}" if self.exit_code < 0 else f"exit code {self.exit_code}"
        return ": ".join(filter(None, [ended, self.last_line]))

    @property
    def last_line(self) -> str:
        """The last line that begins something: one that is indented only goes on with what stands above it."""
        return next((line for line in reversed(self.lines) if line[:1].strip()), "".join(self.lines[-1:]).strip())

    @property
    def cut_sentence(self) -> str:
        """That an output was cut, and what to do about it."""
        sizes = " and ".join(f"{stream} was cut ({size:,} bytes)" for stream, size in self.cut.items())
        return f"{sizes}, so that nothing can be said of all of it; print less, or let the command itself judge"

    def paragraphs(self) -> list[str]:
        """All of it in lines for people: first the values, then the last lines of the output."""
        twice = ("rc", str(self.exit_code)) if self.exit_code else None
        values = {name: value for name, value in self.values.items() if (name, value) != twice}
        rows = [f"{name} = {value}{self._others(name)}" for name, value in values.items()]
        rows += [f"exit code {self.exit_code}"] if self.exit_code else []
        rows += [f"{stream} was cut: {size:,} bytes" for stream, size in self.cut.items()]
        rows += [f"status {self.status}"] if self.status is not None else []
        return rows + [f"{self.stream}: {line}" for line in self.lines]

    def in_words(self) -> str:
        """The values in a sentence: `row.used = 2, row.size = 100`, with those of other samples."""
        return ", ".join(f"{name} = {_cut(value, _SHORT)}{self._others(name)}" for name, value in self.values.items())

    def _others(self, name: str) -> str:
        others = [
            f"{when} {_cut(values[name], _SHORT)}"
            for when, values in (("first", self.first), ("worst", self.worst))
            if name in values
        ]
        return f" ({', '.join(others)})" if others else ""


def texts(operands: Sequence[Operand]) -> dict[str, str]:
    """The values of `operands` as they are shown, each cut to a bounded length with the number of its characters."""
    return {str(operand["name"]): _cut(_shown(operand), _LONGEST_VALUE) for operand in operands}


def worst_of(samples: Sequence[Sequence[Operand]]) -> dict[str, str]:
    """Of each operand that is compared as a number, the value of all `samples` that is farthest from being good."""
    worst: dict[str, tuple[Any, str]] = {}
    picks = {
        str(operand["name"]): _PICK[operand["worst"]]
        for operands in samples
        for operand in operands
        if operand.get("worst") in _PICK
    }
    for operands in samples:
        for operand in operands:
            name, value = str(operand["name"]), operand.get("value")
            pick = picks.get(name)
            if pick and type(value) in {int, float}:
                worst[name] = pick(worst.get(name, (value, _shown(operand))), (value, _shown(operand)))
    return {name: text for name, (_, text) in worst.items()}


_PICK = {"max": max, "min": min}


def _shown(operand: Operand) -> str:
    if operand.get("missing"):
        return "not there"
    value = operand.get("value")
    return json.dumps(value, ensure_ascii=False, default=str)


def _limit(result: Mapping[str, Any]) -> str:
    """The time that the `timeout` around the command had; only of one that it has ended is it told.

    A command may end with the same exit code by itself, before that time has passed.
    """
    argv = _list(result.get("cmd"))
    if len(argv) <= _ARGV or argv[0] != "timeout" or result.get("rc") != _TIMED_OUT:
        return ""
    limit, clock = str(argv[_ARGV]), _CLOCK.fullmatch(str(result.get("delta")))
    in_time = re.fullmatch(r"[0-9.]+s", limit) and clock and _elapsed(clock) < float(limit.rstrip("s"))
    return "" if in_time else limit


def _elapsed(clock: re.Match[str]) -> float:
    days, hours, minutes, seconds = (float(part or 0) for part in clock.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _last_lines(text: str) -> tuple[str, ...]:
    return tuple(_cut(line, _LONGEST_LINE) for line in text.splitlines()[-_LINES:])


def _whole(data: Mapping[str, Any], key: str) -> int | None:
    value = data.get(key)
    return value if type(value) is int else None


def _cut_size(result: Mapping[str, Any], stream: str) -> int | None:
    output = result.get("output")
    facts = output.get(stream) if isinstance(output, Mapping) else None
    return _whole(facts, "bytes") if isinstance(facts, Mapping) and facts.get("truncated") is True else None


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _texts(value: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in value.items()} if isinstance(value, Mapping) else {}


def _text(result: Mapping[str, Any], key: str) -> str:
    """The text without the name of the `timeout` around every command, which nobody has written."""
    return _TIMEOUT.sub(r"\1: ", str(result.get(key) or "").strip())


def _cut(text: str, longest: int) -> str:
    """The beginning of `text`, with the number of its characters; what has been cut before keeps the first number."""
    if len(text) <= longest:
        return text
    before = re.search(r"\.\.\. \([0-9,]+ characters\)$", text)
    return text[:longest] + (before[0] if before else f"... ({len(text):,} characters)")
