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


def waiting(says, that):
    return {"says": says, "http": "http://web:8080/", "that": that}


@pytest.mark.parametrize(
    ("good", "symptom"),
    [
        ("json.waiting == 0", "status != 200 or not (json.waiting == 0)"),
        (["json.waiting == 0", "json.done > 0"], "status != 200 or not ((json.waiting == 0) and (json.done > 0))"),
        ("status == 204", "not (status == 204)"),
    ],
)
def test_the_symptom_is_what_the_probe_does_not_call_good(tmp_path, good, symptom):
    steps = [{"id": "mend", "name": "Start it", "command": "start-it", "verify": [waiting("All is done", good)]}]
    runbook_file(tmp_path, hosts="web", steps=steps)
    library = Library(tmp_path)

    text = write_first_drill(library, "RUN-001", faults()["stop-service"], {"service": "worker"}).text

    assert yaml.safe_load(text)["drill"]["symptom"]["that"] == symptom
    assert "# Where no systemd runs the service, write into both how it is stopped and started there." in text


@pytest.mark.parametrize(
    ("title", "handles", "fault"),
    [
        ("The web server is down", "The process has ended, connections are refused", "stop-service"),
        ("Orders wait", "The worker has ended", "kill-process"),
        ("The catalogue is renamed", "Packets are dropped", "drop-packets"),
    ],
)
def test_words_that_begin_so_suggest_the_fault_and_those_of_the_title_most(tmp_path, title, handles, fault):
    runbook_file(tmp_path, title=title, scope={"handles": [handles]})

    assert choose_fault(Library(tmp_path).usable("RUN-001")).key == fault


def test_where_no_word_suggests_a_fault_somebody_says_it(tmp_path):
    runbook_file(tmp_path, title="Orders wait", scope={"handles": ["Orders wait"]})

    with pytest.raises(MistypedError, match="no word of RUN-001 says in which way it is broken") as caught:
        choose_fault(Library(tmp_path).usable("RUN-001"))

    assert "stop-service" in caught.value.hint


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
