"""Evidence: what a host really answered, kept in a file of its own, with its SHA-256 in the audit log."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.core.errors import AuditError
from runner.core.events import Event

_EXCERPT = 1000
_LONGEST_NAME = 200  # a host's name alone may be as long as the name of a file
_SHOWN = ("rc", "status", "changed", "msg", "attempts", "samples", "output", "truncated", "censored")


class Evidence:
    """What the hosts of one run answered, in files below its directory, numbered in the order in which it came."""

    def __init__(self, run: Path) -> None:
        self._run, self._directory, self._kept = run, run / "evidence", -1

    def keep(self, event: Event) -> Event:
        """Write the `result` of `event`; the event with an excerpt and the file in its place.

        An event without a result comes back as it is.

        Raises:
            AuditError: the file cannot be written.
        """
        result = event.data.get("result")
        if not isinstance(result, Mapping):
            return event
        words = (event.step, event.host, event.data["part"])
        name = "-".join(re.sub(r"[^A-Za-z0-9_.]+", "_", str(word)) for word in words)[:_LONGEST_NAME]
        content = json.dumps(result, indent=1, default=str).encode()
        try:
            path = self._write(name, content)
        except OSError as error:
            message = f"{self._run}: evidence cannot be kept: {error.strerror}"
            raise AuditError(message, hint="make room on that disk") from error
        rest = {key: value for key, value in event.data.items() if key != "result"}
        reference = {"file": str(path.relative_to(self._run)), "sha256": hashlib.sha256(content).hexdigest()}
        return replace(event, data={**rest, "result": _brief(result), "evidence": reference})

    def _write(self, name: str, content: bytes) -> Path:
        if self._kept < 0:  # a run that is resumed has kept some before
            self._directory.mkdir(mode=0o700, exist_ok=True)
            self._kept = len(list(self._directory.iterdir()))
        path = self._directory / f"{self._kept + 1:05d}-{name}.json"
        with path.open("xb") as file:
            self._kept += 1
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return path


def _brief(result: Mapping[str, Any]) -> dict[str, Any]:
    """What of `result` people want to see at once; a host may have answered anything."""
    brief = {key: result[key] for key in _SHOWN if key in result}
    for key in ("stdout", "stderr", "content"):
        if text := str(result.get(key) or ""):
            brief[key] = text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]} [... see the evidence]"
    return brief
