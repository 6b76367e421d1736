"""What begins a library and a runbook: contacts, schemas, inventories, and a file that loads for each category."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from runner.library.schema.json_schema import SCHEMAS, text
from runner.markdown.phrases import NOBODY
from runner.model.category import Category
from runner.model.contacts import Contact

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
    called = next((name for name, contact in contacts.items() if contact.is_callable), NOBODY)
    owners = (name for name, contact in contacts.items() if not contact.channels)
    return next(owners, called), called


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
