"""`contacts.yml`: who owns runbooks, who is called, and through which channels."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import InstanceOf, ValidationError

from runner.channels.base import Channel
from runner.core.deferred import regex
from runner.core.fields import Model, OneOrSeveral, Several, Text, Title
from runner.core.identifiers import Login
from runner.kinds import plugins
from runner.model.call_hours import CallHours
from runner.model.yaml.document import Document, load, located
from runner.model.yaml.finding import Finding, InvalidFileError, did_you_mean, quoted
from runner.model.yaml.yaml_file import read_file

_WORD = regex(r"[a-z0-9][a-z0-9-]*")


class Contact(Model):
    """A person, a team or a rota; L1 is called first. Without a channel it only owns.

    `handle` is how it is mentioned in a chat, like @db-team; `members` are the login names of those who may approve
    where a step asks this group. `hours` are when they are called, at any time without them; `authority` is what they
    may decide, for whoever asks whom to call next. One who is a person may agree to a `drill_record`: what they have
    done in trainings is kept then.
    """

    name: Text
    handle: Text | None = None
    level: Literal["L1", "L2", "L3"] = "L1"
    channels: tuple[InstanceOf[Channel], ...] = ()
    members: Several[Login] = ()
    hours: OneOrSeveral[CallHours] = ()
    authority: Several[Title] = ()
    drill_record: bool = False

    def is_person(self, name: str, login: str) -> bool:
        """Whether this contact, which is called `name`, is nobody but the person with that `login`."""
        return self.members == (login,) or (name == login and not self.members)

    @property
    def is_callable(self) -> bool:
        """Whether there is a channel by which they are called; one that only opens tickets calls nobody."""
        return any(channel.does("trigger") for channel in self.channels)


def read_contacts(path: Path, *, file: str = "contacts.yml") -> Mapping[str, Contact]:
    """The contacts in the file at `path`, which findings call `file`, by the word that runbooks use; none without it.

    Raises:
        InvalidFileError: with every fault.
    """
    if not os.path.lexists(path):
        return {}
    return to_contacts(load(read_file(path, file=file), file=file))


def to_contacts(document: Document) -> Mapping[str, Contact]:
    """The contacts in `document`, by the word that runbooks use.

    Raises:
        InvalidFileError: with every fault.
    """
    findings: list[Finding] = []
    contacts = {name: _contact(document, name, findings) for name in document.value}
    if findings:
        raise InvalidFileError(findings)
    return {name: contact for name, contact in contacts.items() if contact}


def _contact(document: Document, name: str, findings: list[Finding]) -> Contact | None:
    raw = document.value[name]
    if not isinstance(raw, dict):
        findings.append(document.finding((name,), "wrong-type", "a contact is a mapping with `name` and `channels`"))
        return None
    if not _WORD.fullmatch(name):
        findings.append(document.finding((name,), "wrong-value", f"{quoted(name)} is not a word like database-lead"))
    items = raw.get("channels", [])
    channels: Any = items
    if isinstance(items, list):
        made = [_channel(document, item, (name, "channels", n), findings) for n, item in enumerate(items)]
        channels = tuple(filter(None, made))
    try:
        return Contact.model_validate({**raw, "channels": channels})
    except ValidationError as error:
        findings.extend(located(document, error, at=(name,), model=Contact))
        return None


def _channel(document: Document, raw: Any, at: tuple[str | int, ...], findings: list[Finding]) -> Channel | None:
    kinds = plugins.channels()
    if not isinstance(raw, dict) or len(raw) != 1:
        message = f"a channel is a mapping with one key, one of {', '.join(kinds)}"
        findings.append(document.finding(at, "one-channel", message))
        return None
    ((key, options),) = raw.items()
    if key not in kinds:
        hint = plugins.why_unknown(key) or did_you_mean(key, list(kinds))
        hint = hint or f"known channels are {', '.join(kinds)}"
        findings.append(document.finding((*at, key), "unknown-key", f"unknown channel {quoted(key)}", hint=hint))
        return None
    try:
        return kinds[key].model_validate(options)
    except ValidationError as error:
        findings.extend(located(document, error, at=(*at, key), model=kinds[key]))
        return None
