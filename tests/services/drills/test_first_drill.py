"""A first drill is written from what the runbook says, and where it cannot be, nothing is written."""

from __future__ import annotations

import pytest
import yaml
from harness.fakes import runbook_file
from harness.runbook_files import FAULT_VALUES

from runner.core.errors import InvalidInputError, MistypedError
from runner.kinds.plugins import faults
from runner.library.library import Library
from runner.services.drills.first_drill import choose_fault, found_values, write_first_drill

STEPS = [
    {
        "id": "verify-alert",
        "name": "See that users get no answer",
        "verify": [
            {"says": "The shop answers with an error", "http": "http://web:8080/health", "that": "status == 503"}
        ],
    },
    {
        "id": "restart",
        "name": "Start it again",
        "command": "systemctl restart shop",
        "become": True,
        "verify": [{"says": "It answers", "http": {"url": "http://web:8080/health"}, "within": "1m"}],
    },
]


@pytest.fixture
def library(tmp_path):
    runbook_file(
        tmp_path, title="The shop does not answer", hosts="web", steps=STEPS, scope={"handles": ["The service is down"]}
    )
    return Library(tmp_path)


def test_what_the_runbook_says_becomes_the_drill(library):
    source = library.usable("RUN-001")
    fault = choose_fault(source)

    write_first_drill(library, "RUN-001", fault, found_values(source, fault))

    written = yaml.safe_load(source.path.read_text())["drill"]
    assert (fault.key, written["probe"]) == ("stop-service", {"http": {"url": "http://web:8080/health"}})
    assert written["inject"] == {
        "name": "The service is stopped",
        "hosts": "web[0]",
        "command": "systemctl stop shop",
        "become": True,
    }
    assert written["undo"]["command"] == "systemctl start shop"
    assert written["symptom"]["that"] == "status == 503"


def test_what_is_missing_is_named_and_nothing_is_written(library):
    before = library.usable("RUN-001").path.read_text()

    with pytest.raises(MistypedError, match=r"fill a disk: directory \(a directory of the volume"):
        write_first_drill(library, "RUN-001", faults()["fill-disk"], {})

    assert library.usable("RUN-001").path.read_text() == before


def test_a_runbook_that_has_a_drill_keeps_it(library):
    write_first_drill(library, "RUN-001", faults()["fill-disk"], FAULT_VALUES)

    with pytest.raises(InvalidInputError, match="RUN-001 has a drill already"):
        write_first_drill(library, "RUN-001", faults()["fill-disk"], FAULT_VALUES)


def test_where_nothing_can_be_asked_somebody_says_what(tmp_path):
    runbook_file(tmp_path)
    library = Library(tmp_path)

    with pytest.raises(InvalidInputError, match="RUN-001 verifies nothing that a probe could ask"):
        write_first_drill(library, "RUN-001", faults()["fill-disk"], FAULT_VALUES)

    assert (
        "http://web/health"
        in write_first_drill(library, "RUN-001", faults()["fill-disk"], FAULT_VALUES, url="http://web/health").text
    )


def test_a_fault_of_another_name_is_not_known(library):
    with pytest.raises(MistypedError, match="there is no fault 'stop-servce'"):
        choose_fault(library.usable("RUN-001"), "stop-servce")
