"""What a library begins with: the contacts whom its runbooks may call, schemas for editors, inventories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from runner.library.json_schema import SCHEMAS, text
from runner.library.scaffold import CONTACTS, INVENTORIES

SCHEMA_LINE = "# yaml-language-server: $schema=schemas/runbook.json\n"
"""The first line of a runbook, by which an editor finds the schema."""


def begin(runbooks: Path) -> Iterator[Path]:
    """Write what the directory `runbooks` lacks of it, and tell each file that was written."""
    wanted = {"contacts.yml": CONTACTS.read_text(encoding="utf-8")}
    if not (runbooks / "schemas").is_dir():
        wanted |= {f"schemas/{name}.json": text(name) for name in SCHEMAS}
    yield from _write(runbooks, wanted)


def begin_inventories(root: Path) -> Iterator[Path]:
    """Write inventories for the library at `root` when it has none, and tell each file that was written."""
    if not (root / "inventories").exists():
        files = sorted(path for path in INVENTORIES.rglob("*") if path.is_file())
        texts = {str(path.relative_to(INVENTORIES)): path.read_text(encoding="utf-8") for path in files}
        yield from _write(root / "inventories", texts)


def _write(directory: Path, wanted: Mapping[str, str]) -> Iterator[Path]:
    for name, content in wanted.items():
        path = directory / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            yield path
