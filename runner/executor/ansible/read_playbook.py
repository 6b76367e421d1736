"""The playbook of a run, read once for all of its parts, in whose forks Ansible finds what it reads in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple


class ParsedPlaybook(NamedTuple):
    """A playbook at a path: its bytes, and what Ansible reads in them."""

    path: str
    text: bytes
    data: Any


def read_playbook(file: Path, last: ParsedPlaybook | None = None) -> ParsedPlaybook | None:
    """The playbook in `file`: the `last` one if it is the same; None where Ansible refuses to read it.

    What Ansible makes of what it has read it also changes: only a fork may give it to Ansible, and each only once.
    """
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415 - only a process that has imported Ansible asks

    try:
        path, text = os.path.abspath(file), file.read_bytes()  # noqa: PTH100 - what a link leads to has another name
        if last and (last.path, last.text) == (path, text):
            return last
        data = DataLoader().load_from_file(path, cache="none", unsafe=True, trusted_as_template=True)
    except Exception:  # noqa: BLE001 - whatever it is, the fork finds it as well, and tells
        return None
    return ParsedPlaybook(path, text, data)


def copy_nothing_of(playbook: ParsedPlaybook | None) -> None:
    """Let Ansible not copy what it reads once: the `playbook`, which has been read, and what it keeps nothing of.

    It copies all that it reads, so that nobody changes what it has kept for others; that takes longer than to read it.
    """
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415 - as above

    stock = DataLoader.load_from_file

    def load_from_file(self: Any, file_name: str, *words: Any, **options: Any) -> Any:
        if playbook and options == {"trusted_as_template": True} and self.path_dwim(file_name) == playbook.path:
            return playbook.data
        if not words and options.get("cache") == "none":
            options |= {"unsafe": True}
        return stock(self, file_name, *words, **options)

    DataLoader.load_from_file = load_from_file
