"""A program of ours as a task: it lies beside the playbook with all that it imports, and gives up in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from harness.source_tree import PACKAGE

from runner.kinds.verifications.monitoring.probe_program import files_of
from runner.kinds.verifications.monitoring.rds_probe import Rds

PROBES = PACKAGE / "kinds" / "probes"


@pytest.mark.parametrize(
    ("program", "names"),
    [
        ("prometheus", ["__init__", "asked_service", "probe_question", "prometheus"]),
        ("alertmanager", ["__init__", "alertmanager", "asked_service", "probe_question", "prometheus"]),
        ("rds", ["__init__", "asked_service", "aws", "aws_credentials", "probe_question", "rds", "sigv4"]),
    ],
)
def test_a_program_brings_what_it_imports(program, names):
    expected = {f"probes/{name}.py": (PROBES / f"{name}.py").read_text() for name in names}
    assert dict(files_of(program)) == expected
    assert list(files_of(program)) == sorted(expected)


@pytest.mark.parametrize(("limit", "seconds"), [(10, "9"), (2, "1"), (1, "0.5"), (0.2, "0.1")])
def test_a_program_gives_up_before_it_is_ended(limit, seconds):
    kind = Rds.model_validate({"rds": {"instance": "shop"}})
    assert kind.probe(timedelta(seconds=limit)).environment["PROBE_SECONDS"] == seconds


def test_no_program_is_needed_on_the_host():
    assert Rds.model_validate({"rds": {"instance": "shop"}}).programs(str) == []
