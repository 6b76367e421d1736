"""Entries are read when one is wanted, with their places; what cannot be read is told elsewhere."""

from __future__ import annotations

import json

from harness.registry_files import CRITERIA, write_registry

from runner.library.registry_entries import RegistryEntries


def test_an_entry_with_the_file_that_it_stands_in(tmp_path):
    write_registry(tmp_path)
    (tmp_path / "runbooks" / "registry" / "broken.yml").write_text("a: [")
    heard = []
    entries = RegistryEntries(tmp_path / "runbooks", lambda path: path.name, heard.append)
    assert (heard, entries.registered({}).definition) == ([], b"")

    document, written = entries.taken("DEP-002")

    assert (document.file, document.position(("DEP-002", "check")).line) == ("deployments.yml", 4)
    assert written == CRITERIA["DEP-002"]
    assert entries.written("DEP-003") == CRITERIA["DEP-003"]
    assert (entries.taken("DEP-999"), entries.written("DEP-999")) == (None, None)
    registered = entries.registered({"steps.0": 5})
    assert json.loads(registered.definition) == {"DEP-002": CRITERIA["DEP-002"], "steps.0": 5}
    assert [path.name for path in registered.files] == ["deployments.yml"]
    assert heard == ["registry"]
