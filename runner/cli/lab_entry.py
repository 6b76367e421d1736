"""How a command gets to a lab of its user: root is there already, anybody else enters their user namespace."""

import os
from pathlib import Path

import click

from runner.cli import context
from runner.core.ownership import outside
from runner.library.root import cache_directory, library_root


def enter(*, network: bool = True) -> None:
    """Go on in the user namespace of this user's labs, where they are not root: the command begins anew there.

    Raises:
        InvalidInputError: the user can have no such namespace here.
    """
    from runner.lab.machines import lab  # noqa: PLC0415 - only who uses a lab waits for it

    lab.enter(_cache(), network=network)
    click.get_current_context().call_on_close(lab.leave)


def enter_for(_ctx: click.Context, _option: click.Parameter, inventories: tuple[Path, ...]) -> tuple[Path, ...]:
    """`inventories`, as click's callback of their option; where they lead to a lab without root, that is entered."""
    if not inventories or (os.geteuid() == 0 and not outside.is_left()):
        return inventories
    from runner.lab.machines import lab  # noqa: PLC0415 - as above

    if outside.is_left() or (lab.has_entered(_cache()) and any(map(_leads_to_lab, inventories))):
        enter()
    return inventories


def _cache() -> Path:
    return cache_directory(os.environ) / "lab"


def _leads_to_lab(inventory: Path) -> bool:
    """Whether hosts of `inventory` are reached by a lab's files, or it is such a file, which is only there inside."""
    from runner.lab.machines.lab_directory import LABS  # noqa: PLC0415 - as above
    from runner.library.inventory import names_path  # noqa: PLC0415 - as above

    if inventory.absolute().is_relative_to(LABS.path):
        return True
    root = library_root(context.command_context().library, here=Path.cwd())
    places = [place for place in (inventory, *([root / inventory] if root else [])) if place.exists()]
    return any(names_path(place, LABS.path) for place in places[:1])
