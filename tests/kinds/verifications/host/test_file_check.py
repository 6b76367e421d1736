"""Of a path all that is asked for must hold, and a file that is not there has nothing of it."""

from __future__ import annotations

import json

import pytest

from runner.kinds.verifications.host.file_check import FileCheck

SUM = "0" * 64
THERE = {"exists": True, "owner": "root", "mode": "0644", "age_seconds": 90, "sha256": SUM, "contains": True}


def file(**query):
    return FileCheck.model_validate({"file": {"path": "/etc/motd", **query}})


@pytest.mark.parametrize(
    ("query", "found", "verdict"),
    [
        ({}, {}, ""),
        ({}, {"exists": False}, "facts.exists is sameas true"),
        ({}, {"exists": "a link to nothing"}, "facts.exists is sameas true"),
        ({"exists": False}, {"exists": False}, ""),
        ({"exists": False}, {"exists": "a link to nothing"}, "facts.exists is sameas false"),
        ({"exists": False}, {}, "facts.exists is sameas false"),
        ({"owner": "root", "mode": "0644", "contains": "x", "sha256": SUM, "newer_than": "90s"}, {}, ""),
        ({"owner": "adm"}, {}, "facts.owner == 'adm'"),
        ({"mode": "0600"}, {}, "facts.mode == '0600'"),
        ({"sha256": "1" * 64}, {}, f"facts.sha256 == '{'1' * 64}'"),
        ({"contains": "x"}, {"contains": False}, "facts.contains"),
        ({"newer_than": "1m"}, {}, "-60 <= facts.age_seconds <= 60"),
        ({"newer_than": "1m"}, {"age_seconds": -59}, ""),
        ({"newer_than": "1m"}, {"age_seconds": -61}, "-60 <= facts.age_seconds <= 60"),
    ],
)
def test_all_that_is_asked_for_must_hold(judge, query, found, verdict):
    assert judge(file(**query), stdout=json.dumps({**THERE, **found})) == verdict


@pytest.mark.parametrize("stdout", ["", "nonsense", "[]", "{}"])
def test_a_malformed_answer_is_not_good(judge, stdout):
    assert judge(file(exists=False), stdout=stdout).startswith("facts.exists is sameas false")


@pytest.mark.parametrize(
    ("query", "contains"),
    [({}, {}), ({"contains": "-x {{ y }}"}, {"LOOK_CONTAINS": "-x {{ y }}"}), ({"sha256": SUM}, {"LOOK_CONTAINS": ""})],
)
def test_a_file_is_read_only_for_what_is_in_it(argv, query, contains):
    assert argv(file(**query))[1] == {"LOOK_PATH": "/etc/motd", **contains}


@pytest.mark.parametrize(
    "query",
    [{"exists": False, "owner": "root"}, {"mode": "644"}, {"contains": ""}, {"sha256": "x"}, {"newer_than": "0s"}],
)
def test_what_makes_no_sense_is_refused(refusals, query):
    assert len(refusals(FileCheck, file={"path": "/x", **query})) == 1


def test_it_is_said_in_words():
    assert file().describe() == "/etc/motd is there"
    assert file(exists=False).describe() == "/etc/motd is not there"
    assert file(owner="root", newer_than="26h").describe() == "/etc/motd is not older than 1d2h and belongs to root"
