"""Incidents that somebody was called for and that are not resolved yet, so that a later run can say that they are."""

import contextlib
import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.core.wording import listed
from runner.store.small_files import SmallFiles

GLASS = "/break-glass"
"""The end of the dedup key of what is told of a broken glass: it is no incident of the hosts."""


@dataclass(frozen=True, slots=True)
class Incident:
    """An open incident: its deduplication key, the run that opened it, and the contacts that were called.

    `references` are what the channels call what they made of it; later pages about it carry them. `hosts` are those
    that it is about: none where they are not known, or where an earlier version of this product wrote the file.
    `earlier` are the runs that have called for it before `run` did.
    """

    dedup_key: str
    run: str
    contacts: tuple[str, ...]
    references: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()

    @property
    def runs(self) -> tuple[str, ...]:
        """Every run that has called for it."""
        return (*self.earlier, self.run)

    @property
    def stays_open(self) -> str:
        """That it does, though a run has passed on some of its hosts, in a sentence."""
        where = listed(self.hosts, 20)
        return f"the incident about {where} (run {self.run}) stays open until a run passes on all of these hosts"


class Incidents:
    """One small file for each open incident, in the directory `path`."""

    def __init__(self, path: Path) -> None:
        self._files = SmallFiles(path)

    def open(self, incident: Incident) -> None:
        """Remember `incident`; durable on return.

        Raises:
            AuditError: it cannot be remembered.
        """
        self._files.write(_name(incident.dedup_key), json.dumps(asdict(incident)))

    def find(self, dedup_key: str) -> Incident | None:
        """The open incident of that key.

        Raises:
            InvalidInputError: its file is broken.
        """
        name = _name(dedup_key)
        return self._read(name) if self._files.where(name) else None

    def all(self) -> list[Incident]:
        """The open incidents, but for those of which the file is broken."""
        found = []
        for name in self._files.names():
            with contextlib.suppress(InvalidInputError):
                found.append(self._read(name))
        return found

    def opened_by(self, run: str) -> list[str]:
        """The keys of the open incidents that the run of that id has called for; a broken file is of no run."""
        return [each.dedup_key for each in self.all() if run in each.runs]

    def within(self, key: str, hosts: Collection[str]) -> list[str]:
        """The keys of the open incidents about some of `hosts`, and no other, for runbook and environment of `key`."""
        return [each.dedup_key for each in self._beside(key) if set(each.hosts) <= set(hosts)]

    def beyond(self, key: str, hosts: Collection[str]) -> list[Incident]:
        """The open incidents about some of `hosts` and others as well, those of higher levels left out."""
        ours = [each for each in self._beside(key) if each.dedup_key.count("/") == key.count("/")]
        return [each for each in ours if set(each.hosts) & set(hosts) and not set(each.hosts) <= set(hosts)]

    def _beside(self, key: str) -> list[Incident]:
        """The open incidents for runbook and environment of `key` of which the hosts are known."""
        prefix = key.rpartition("/")[0] + "/"
        return [each for each in self.all() if each.dedup_key.startswith(prefix) and each.hosts]

    def below(self, key: str) -> list[str]:
        """The keys of the open incidents that belong to the one of that `key`: of higher levels, of a broken glass."""
        return [each.dedup_key for each in self.all() if each.dedup_key.startswith(f"{key}/")]

    def _read(self, name: str) -> Incident:
        """The incident in the file of that `name`.

        Raises:
            InvalidInputError: it is not one.
        """
        try:
            data = json.loads(self._files.read(name))
            key, run, contacts = str(data["dedup_key"]), str(data["run"]), tuple(map(str, data["contacts"]))
            more = {name: tuple(map(str, data.get(name, ()))) for name in ("references", "hosts", "earlier")}
            return Incident(key, run, contacts, **more)
        except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
            hint = "who was called for it is in the audit log: tell them, then remove the file"
            raise InvalidInputError(f"{self._files.file(name)} is not an incident: {error}", hint=hint) from error

    def close(self, dedup_key: str) -> None:
        """Forget the incident of that key."""
        self._files.remove(_name(dedup_key))


def _name(dedup_key: str) -> str:
    return hashlib.sha256(dedup_key.encode()).hexdigest()[:32]
