"""What a later command knows the secrets of a run by: digests of them, never the secrets themselves.

`ack` and `escalate` get words that a person has typed. A secret may be among them that only the run itself could read,
as it is encrypted in an inventory, or was typed. Whoever gets hold of the digests can try passwords, each of which
takes milliseconds: they are made by scrypt (RFC 7914), with the id of the run as salt. Only eight bits of each are made
in a faster way, so that not every part of a text has to be digested slowly.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.redaction import masked, parts
from runner.store import durable

NAME = "secret-digests.json"
MOST_SLOW = 200
"""Parts of one text that are digested slowly, which takes a second: a further one that is similar counts as secret."""

_COST = 2**11
"""The parameter N of scrypt: 5 ms and 2 MB for each digest."""


@dataclass(frozen=True, slots=True)
class SecretDigest:
    """What a secret is known by: how many characters it has, eight bits, and a digest that is slow to make."""

    length: int
    quick: int
    slow: str


class SecretDigests:
    """The digests of the secrets of one run, in its directory `run`, which only its user may read."""

    def __init__(self, run: Path) -> None:
        self._path, self._salt = run / NAME, run.name.encode()

    def keep(self, secrets: Collection[str]) -> None:
        """Keep the digests of `secrets`, and of each line of them, beside those that are there already.

        Raises:
            AuditError: they cannot be written.
        """
        known, texts = self._known(), {part for secret in secrets for part in parts(secret)}
        if new := {SecretDigest(len(text), self._quick(text), self._slow(text)) for text in texts} - known:
            every = sorted(known | new, key=lambda each: (each.length, each.slow))
            with durable.required(self._path):
                durable.write(self._path, json.dumps([asdict(each) for each in every]))

    def mask(self, text: str) -> str:
        """`text` without the secrets, written as they are, that a digest is kept of."""
        known = self._known()
        lengths, similar = {each.length for each in known}, {(each.length, each.quick) for each in known}
        places = [(at, at + length) for length in lengths for at in range(len(text) - length + 1)]
        doubtful = [(at, end) for at, end in places if (end - at, self._quick(text[at:end])) in similar]
        digests = {each.slow for each in known}
        found = [(at, end) for at, end in doubtful[:MOST_SLOW] if self._slow(text[at:end]) in digests]
        return masked(text, [*found, *doubtful[MOST_SLOW:]])

    def _known(self) -> set[SecretDigest]:
        try:
            return {SecretDigest(**each) for each in json.loads(self._path.read_bytes())}
        except (OSError, ValueError, TypeError):  # a run without secrets, or of an earlier version
            return set()

    def _quick(self, text: str) -> int:
        raw = text.encode(errors="surrogatepass")
        return hashlib.blake2b(raw, key=self._salt[:64], digest_size=1).digest()[0]

    def _slow(self, text: str) -> str:
        raw = text.encode(errors="surrogatepass")
        return hashlib.scrypt(raw, salt=self._salt, n=_COST, r=8, p=1, dklen=16).hex()
