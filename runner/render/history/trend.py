"""What the samples of a verification saw, as numbers."""

from __future__ import annotations

from collections.abc import Sequence

from runner.core.deferred import regex

_NUMBER = regex(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")


def numbers(samples: Sequence[str]) -> list[float]:
    """The first number in each of `samples`; none where one of them has none."""
    found = [_NUMBER.search(sample) for sample in samples]
    return [float(match[0]) for match in found if match] if all(found) else []
