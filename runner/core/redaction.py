"""Keeps secrets out of what is recorded, shown and sent: each is `***`, however it is spelled and cut."""

import base64
import html
import json
import re
import shlex
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from runner.core.deferred import regex
from runner.core.errors import RunbookError

MASK = "***"

_SHORTEST = 4
"""Characters of a part of a secret that is looked for by itself, like a line of it."""

_BREAK = regex(r"[ \t]*(?:\r?\n|\\r\\n|\\n)[ \t]*")
_GAP = regex(r"\n\[\.\.\. \d+ (?:bytes|characters) left out \.\.\.\]\n")


class Redaction:
    """Knows the secrets of one run, and learns more. Without any, everything stays as it is."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._spelled: list[str] = []
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> frozenset[str]:
        """Keep `secrets` out as well from now on; those that were not known yet."""
        new = frozenset(secrets) - self._secrets
        if not new:
            return new
        self._secrets |= new
        every = {spelling for secret in self._secrets for part in parts(secret) for spelling in spellings(part)}
        whole = {_BREAK.sub("", spelling) for spelling in every}
        self._spelled = sorted((each for each in every | whole if len(each) >= _SHORTEST), key=len, reverse=True)
        return new

    def __repr__(self) -> str:
        return f"Redaction({len(self._spelled)} spellings)"

    def text(self, text: str) -> str:
        """`text` with every secret in it, in each of its spellings, as `***`; a secret may be broken into lines."""
        if not self._spelled or not text:
            return text
        spans = [*self._spans(text), *self._broken(text), *self._cut(text)]
        return masked(text, spans) if spans else text

    def data(self, value: Any, *, ours: int = 0) -> Any:
        """The same for all texts in `value`, which is made of JSON's types.

        Keys are texts, too, but for those of the first `ours` mappings from outside in: a secret that happens to be
        spelled like a word of our own must not take that word away.
        """
        if not self._spelled:
            return value
        if isinstance(value, str):
            # A word of a vocabulary stays one: only what really changes becomes plain text.
            return masked if (masked := self.text(value)) != value else value
        if isinstance(value, Mapping):
            inner = max(0, ours - 1)
            return {key if ours else self.data(key): self.data(item, ours=inner) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(item) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value if self.text(str(value)) == str(value) else MASK
        return value

    def report(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """What Ansible reports, before any of it is shortened; `withheld` names the facts that are not as they were."""
        result = message.get("result") or {}
        clean = self.data(result, ours=2)
        before, facts = result.get("ansible_facts"), clean.get("ansible_facts")
        withheld = [name for name in facts if facts[name] != before[name]] if before and facts else []
        observed = {"observed": self.data(message["observed"], ours=1)} if "observed" in message else {}
        return {**message, "result": clean, **observed} | ({"withheld": withheld} if withheld else {})

    def holds(self, value: Any) -> bool:
        """Whether there is a secret in `value`, which is made of JSON's types."""
        return bool(self.data(value) != value)

    def error(self, error: RunbookError) -> RunbookError:
        """`error`, whose words may be those of somebody else, without any secret."""
        error.message, error.hint = self.text(error.message), self.text(error.hint)
        return error

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        for spelled in self._spelled:
            at = text.find(spelled)
            while at >= 0:
                yield at, at + len(spelled)
                at = text.find(spelled, at + 1)

    def _broken(self, text: str) -> Iterator[tuple[int, int]]:
        """Where a secret is that was broken into lines, as `base64` does it: found in the text without its breaks."""
        starts, places, joined, end = [0], [0], [], 0
        for match in _BREAK.finditer(text):
            joined.append(text[end : match.start()])
            end = match.end()
            starts.append(starts[-1] + len(joined[-1]))
            places.append(end)
        if not joined:
            return
        joined.append(text[end:])

        def place(at: int) -> int:
            piece = bisect_right(starts, at) - 1
            return places[piece] + at - starts[piece]

        for first, last in self._spans("".join(joined)):
            yield place(first), place(last - 1) + 1

    def _cut(self, text: str) -> Iterator[tuple[int, int]]:
        """What is left of a secret beside the place where a long output was cut."""
        for gap in _GAP.finditer(text):
            before, after = text[: gap.start()], text[gap.end() :]
            for spelled in self._spelled:
                if head := next((n for n in range(len(spelled) - 1, 2, -1) if before.endswith(spelled[:n])), 0):
                    yield gap.start() - head, gap.start()
                if tail := next((n for n in range(len(spelled) - 1, 2, -1) if after.startswith(spelled[-n:])), 0):
                    yield gap.end(), gap.end() + tail


def masked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """`text` with a mask for all that the `spans` cover; those that touch are one."""
    clean, end = "", -1
    for first, last in sorted(spans):
        if first > end:
            clean += text[max(end, 0) : first] + MASK
        end = max(end, last)
    return clean + text[max(end, 0) :]


def parts(secret: str) -> set[str]:
    """The secret, and each line of it that is long enough to be told from other text."""
    return {part for part in (secret, secret.strip(), *map(str.strip, secret.splitlines())) if len(part) >= _SHORTEST}


def spellings(secret: str) -> set[str]:
    """How programs write `secret`: as it is, and in the codes and quotations in which it is still the secret."""
    raw = secret.encode(errors="replace")
    urls = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    escaped = {escape(secret) for escape in _ESCAPES}
    return {
        secret,
        *urls,
        *(re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), url) for url in urls),
        *escaped,
        *(json.dumps(text)[1:-1] for text in escaped),
        raw.hex(),
        raw.hex().upper(),
        *_base64(raw),
    }


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _ansi_c(text: str) -> str:
    r"""As bash writes it between `$'` and `'`, with `\342` for a byte that its locale has no letter for."""
    codes = "".join(chr(byte) if byte < 128 else f"\\{byte:03o}" for byte in text.encode(errors="replace"))  # noqa: PLR2004
    return re.sub(r"(\\(?![0-7]{3})|')", r"\\\1", codes).replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


_ESCAPES = (
    _in_json,
    _ansi_c,
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: repr(text)[1:-1],
    lambda text: repr(text.encode(errors="replace"))[2:-1],
    shlex.quote,
    lambda text: text.replace("'", "'\"'\"'"),
    lambda text: text.replace("'", "'\\''"),
    lambda text: text.replace("'", "''"),
    lambda text: re.sub(r'([$`"\\])', r"\\\1", text),
    lambda text: re.sub(r"([^A-Za-z0-9_@%+=:,./-])", r"\\\1", text),
    html.escape,
    lambda text: html.escape(text, quote=False),
)


def _base64(raw: bytes) -> set[str]:
    """What is in base64 of the text, wherever it begins in what was encoded, like `user:` before a password."""
    codes = set()
    for before in range(3):
        whole = base64.b64encode(bytes(before) + raw).decode()
        # Only the characters in which no bit of a neighbour is.
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        for own in (whole[first:last], whole[first:].rstrip("=")):
            codes |= {own, own.replace("+", "-").replace("/", "_")}
    return codes
