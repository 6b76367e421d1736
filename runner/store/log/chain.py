"""The audit log's hash chain: bytes in, bytes out, nothing read and nothing written.

A line is a JSON object whose first member is `seq` and whose last is `hash`:

    {"seq":42,<members>,"hash":"<64 lower-case hexadecimal digits>"}<newline>

With *body* = every byte of the line before `,"hash"`, the hash is SHA-256(previous hash || length of body || body): the
previous hash as 32 raw bytes (for the first record, that of `START`), the length as 8 bytes, most significant first. It
covers the bytes as they stand, so a verifier needs no JSON library and no canonical form.

What a plain chain cannot do: whoever may write the file can change a record and compute every later hash anew, or drop
records from the end, and what is left verifies. Only a key or a head kept elsewhere shows that. A seal will stand after
the hash and belong to what the next record is chained to; `link` and `_take_apart` are all that know how a line ends.
"""

import hashlib
import re
from typing import Self

from runner.core.deferred import dataclass, regex

MAX_LINE = 64 * 1024  # bytes, newline included: what a reader must be ready to hold
MAX_MEMBERS = MAX_LINE - len(b'{"seq":,,"hash":""}\n') - 18 - 64  # the digits of the largest seq, and of the hash
_LINE = regex(rb'(\{"seq":([1-9][0-9]{0,17}),[^\n]+),"hash":"([0-9a-f]{64})"\}\n')


class BrokenChainError(ValueError):
    """A line is not the record that belongs in its place; the message says in what way."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain stands: `seq` records, the last of which has `hash` (64 hexadecimal digits).

    As text it is short enough for a page, `42:ab12cd34ef56ab78`; what must resist an attacker keeps the whole `hash`.
    """

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash[:16]}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The head that `str` or a person wrote, whose hash has at least the 16 digits that `str` shows.

        Raises:
            ValueError: it is none.
        """
        if (match := re.fullmatch(r"([1-9][0-9]{0,17}):([0-9a-f]{16,64})", text)) is None:
            raise ValueError("a head is the number of a record and the beginning of its hash: 42:ab12cd34ef56ab78")
        return cls(int(match[1]), match[2])


START = Head(0, hashlib.sha256(b"runbookctl audit log 1").hexdigest())


def link(head: Head, members: bytes) -> tuple[bytes, Head]:
    """The line that puts a record after `head`, and the head it leads to.

    Args:
        head: where the chain stands.
        members: the record's JSON members without the braces and without `seq` and `hash`: `"a":1,"b":2`.

    Raises:
        ValueError: `members` is empty, holds a newline or is longer than `MAX_MEMBERS` bytes.
    """
    if not members or b"\n" in members or len(members) > MAX_MEMBERS:
        raise ValueError(f"a record is one line of 1 to {MAX_MEMBERS} bytes, not {len(members)}")
    body = b'{"seq":%d,%b' % (head.seq + 1, members)
    reached = Head(head.seq + 1, _hash(head, body))
    return b'%b,"hash":"%b"}\n' % (body, reached.hash.encode()), reached


def follow(head: Head, line: bytes) -> Head:
    """The head that `line` leads to when it is the record that belongs after `head`.

    Raises:
        BrokenChainError: it is not.
    """
    body, claimed = _take_apart(line)
    due = head.seq + 1
    if claimed.seq > due:
        raise BrokenChainError(f"record {claimed.seq} stands where {due} belongs: records were removed or reordered")
    if claimed.seq < due:
        raise BrokenChainError(f"record {claimed.seq} stands where {due} belongs: records were inserted or reordered")
    if claimed.hash != _hash(head, body):
        raise BrokenChainError(f"the hash of record {due} does not fit: it was edited, or what stands before it was")
    return claimed


def claimed_head(line: bytes) -> Head:
    """The head that `line` says it leads to; nothing is checked but its shape.

    Raises:
        BrokenChainError: it is not a record at all.
    """
    return _take_apart(line)[1]


def _take_apart(line: bytes) -> tuple[bytes, Head]:
    match = _LINE.fullmatch(line)
    if match is None or len(line) > MAX_LINE:
        raise BrokenChainError("this is not a record: a record is JSON on one line, with seq first and hash last")
    return match[1], Head(int(match[2]), match[3].decode())


def _hash(head: Head, body: bytes) -> str:
    return hashlib.sha256(bytes.fromhex(head.hash) + len(body).to_bytes(8, "big") + body).hexdigest()
