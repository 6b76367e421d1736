"""`spool`: a page is a file in a directory, which another program takes from there."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from runner.channels.base import Channel, Page, Receipt, Secrets
from runner.channels.payload import to_json


class Spool(Channel):
    """A directory into which each page is written."""

    key: ClassVar[str] = "spool"

    directory: str = Field(description="Where the pages are put")

    def send(self, page: Page, *, secrets: Secrets) -> Receipt:
        """Writes the page."""
        del secrets
        told = {"action": page.action, "summary": page.summary, "dedup_key": page.dedup_key}
        try:
            name = page.dedup_key.replace("/", "-")
            (Path(self.directory) / f"{name}.{page.action}.json").write_bytes(to_json(told))
        except OSError as error:
            return Receipt(self.key, "refused", 0, f"{self.directory} cannot be written: {error.strerror}")
        return Receipt(self.key, "accepted", 1, "written")
