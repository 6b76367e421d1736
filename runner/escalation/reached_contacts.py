"""When each contact was last reached by each of their channels, by a test or for a run."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, unquote

from runner.store import durable


class ReachedContacts:
    """One small file for each contact and channel, in the directory `path`; it holds the time of the newest answer."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, contact: str, channel: str, when: datetime) -> None:
        """Keep that the other side of the `channel` has taken a page for `contact`.

        Raises:
            AuditError: it cannot be kept.
        """
        file = self._path / f"{quote(contact, safe='')} {quote(channel, safe='')}"
        durable.keep(file, when.isoformat())

    def times(self) -> Mapping[tuple[str, str], datetime]:
        """When each contact was last reached by each channel; what cannot be read was never."""
        found: dict[tuple[str, str], datetime] = {}
        for file in sorted(self._path.glob("* *")):
            contact, _, channel = file.name.partition(" ")
            try:
                found[unquote(contact), unquote(channel)] = datetime.fromisoformat(file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
        return found

    def names(self) -> frozenset[str]:
        """The contacts who were ever reached."""
        return frozenset(contact for contact, _ in self.times())
