"""Where drills are done: a lab of machines of its own, or the hosts of an inventory; each is made anew between them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.lab.machines import lab
from runner.lab.machines.image import PROVISIONED


@dataclass(frozen=True, slots=True)
class Backend:
    """What its hosts are called, the `inventories` that lead to them, and what makes them as they were at first."""

    name: str
    inventories: Sequence[Path]
    restore: Callable[[], None]


@contextmanager
def own_lab(library: Path, cache: Path) -> Iterator[Backend]:
    """A lab that goes with the block; `library` has inventories/lab, and `cache` the image.

    Raises:
        InvalidInputError: something is absent that a lab needs, or its image.
        ExecutionError: a machine did not start.
    """
    name = f"drill-{os.getpid()}"
    started = lab.up(name, cache)
    try:
        inventories = [library / "inventories/lab", started.inventory]
        yield Backend("lab", inventories, lambda: lab.restore(name, PROVISIONED))
    finally:
        lab.down(name)


def given(inventories: Sequence[Path]) -> Backend:
    """The hosts of `inventories`, on which each drill takes back what it has changed, and nothing is made anew."""
    return Backend(", ".join(path.name for path in inventories), inventories, lambda: None)
