"""What a library begins with: the contacts whom its runbooks may call, and the schemas its files are edited by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from runner.definition.scaffold import CONTACTS
from runner.definition.schema import SCHEMAS, text

SCHEMA_LINE = "# yaml-language-server: $schema=schemas/runbook.json\n"
"""The first line of a runbook, by which an editor finds the schema."""


def begin(runbooks: Path) -> Iterator[Path]:
    """Write what the directory `runbooks` lacks of it, and tell each file that was written."""
    wanted = {"contacts.yml": CONTACTS.read_text(encoding="utf-8")}
    if not (runbooks / "schemas").is_dir():
        wanted |= {f"schemas/{name}.json": text(name) for name in SCHEMAS}
    for name, content in wanted.items():
        path = runbooks / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            yield path
