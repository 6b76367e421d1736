"""What a page carries, as JSON that is never too large: the largest values are cut first, and say so."""

import json
import math
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

_DEPTH = 16
_SMALLEST_CUT = 256
_LONGEST_LINE = 10_000
_WIDEST_INDENT = 16


def to_json(value: Any) -> bytes:
    """`value` as compact JSON in UTF-8; half a surrogate pair, as broken output may hold, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def fit(details: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """`details` as plain JSON of at most `limit` bytes: the largest values are cut first, each with a note of that.

    What a host answered must not silence the page about it: too large, too deep or no JSON at all is told as text.
    """
    whole = {str(name): _plain(value, _DEPTH) for name, value in details.items()}
    if len(to_json(whole)) <= limit:
        return whole
    sizes = {name: len(to_json(value)) for name, value in whole.items()}
    share = _share(list(sizes.values()), limit - len(to_json(dict.fromkeys(whole, 0))))
    if share < _SMALLEST_CUT:  # so many names that no value could be read
        return {"details": _cut(whole, limit - len(b'{"details":}'))}
    return {name: value if sizes[name] <= share else _cut(value, share) for name, value in whole.items()}


def _share(sizes: list[int], limit: int) -> int:
    """The most bytes a value may have so that all `sizes` together are within `limit`, small ones whole."""
    share = 0
    for position, size in enumerate(sorted(sizes)):
        share = limit // (len(sizes) - position)
        if size > share:
            break
        limit -= size
    return share


def _cut(value: Any, limit: int) -> str:
    text = value if isinstance(value, str) else to_json(value).decode()
    note = f" … [cut: too large to send; the run's record has all {len(text):,} characters]"
    text, limit = text[: max(0, limit)], limit - len(to_json(note))
    length = bisect_right(range(len(text) + 1), limit, key=lambda count: len(to_json(text[:count]))) - 1
    return text[: max(0, length)] + note


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, str | bool | int | None):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)  # JSON has no NaN
    if not isinstance(value, Mapping | list | tuple):
        return str(value)
    if depth == 0:
        return f"… [cut: nested deeper than {_DEPTH} levels]"
    if isinstance(value, Mapping):
        return {str(name): _plain(item, depth - 1) for name, item in value.items()}
    return [_plain(item, depth - 1) for item in value]


def one_line(text: str, limit: int = 1000) -> str:
    """`text` as one line of at most `limit` characters that can be shown."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text[: 4 * limit]).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def as_text(value: Any) -> str:
    """`value` for people: a line for each item of a list, `name: value` for each of a mapping, and no control codes.

    A text of several lines in a mapping stands below its name. What a line of a text is set in by stays.
    """
    plain = _plain(value, _DEPTH)
    if isinstance(plain, dict):
        return "\n".join(f"{one_line(name)}:{_beside(item)}" for name, item in plain.items())
    if isinstance(plain, list):
        return "\n".join(_flat(item) for item in plain)
    return "\n".join(f"{_indent(line)}{_flat(line)}" for line in str(plain).splitlines())


def _beside(value: Any) -> str:
    lines = as_text(value).splitlines() if isinstance(value, str) else []
    return "".join(f"\n  {line}" for line in lines) if len(lines) > 1 else f" {_flat(value)}"


def _indent(line: str) -> str:
    return " " * min(len(line) - len(line.lstrip(" ")), _WIDEST_INDENT)


def _flat(value: Any) -> str:
    """`value` in one line; what is in a mapping of a list, or deeper, too."""
    if isinstance(value, dict):
        text = "; ".join(f"{name}: {_flat(item)}" for name, item in value.items())
    elif isinstance(value, list):
        text = ", ".join(map(_flat, value))
    else:
        text = value if isinstance(value, str) else to_json(value).decode()
    return one_line(text, _LONGEST_LINE)
