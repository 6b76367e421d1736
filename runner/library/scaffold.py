"""The beginning of a runbook: a file for each category that loads, and says TODO where somebody must write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from runner.markdown.phrases import NOBODY
from runner.model.contacts import Contact
from runner.model.runbook import Category

_HERE = Path(__file__).parent / "scaffolds"

CONTACTS = _HERE / "contacts.yml"
"""The contacts that a library begins with."""

INVENTORIES = _HERE / "inventories"
"""The inventories that a library begins with: this machine, and places for the hosts of staging and production."""


def scaffold(name: str, category: Category, *, owner: str, contact: str) -> str:
    """The text of the new runbook with the id `name`, whose `owner` and `contact` are words of contacts.yml."""
    text = (_HERE / f"{category}.yml").read_text(encoding="utf-8")
    return text.replace("RUN-000", name).replace("OWNER", owner).replace("CONTACT", contact)


def who(contacts: Mapping[str, Contact]) -> tuple[str, str]:
    """Who might own a runbook and who might be called: the first who has no channel, and the first who has one."""
    called = next((name for name, contact in contacts.items() if contact.channels), NOBODY)
    owners = (name for name, contact in contacts.items() if not contact.channels)
    return next(owners, called), called
