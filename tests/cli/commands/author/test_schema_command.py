"""`runbook schema` prints what editors read."""

from __future__ import annotations

import json

import pytest

from runner.library.schema.json_schema import SCHEMAS


@pytest.mark.parametrize("of", SCHEMAS)
def test_the_schema_is_printed(runbook, here, of):
    ran = runbook("schema", of)

    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == SCHEMAS[of]()
    assert runbook("schema").out == runbook("schema", "runbook").out


def test_there_is_none_for_anything_else(runbook, here):
    ran = runbook("schema", "playbook")

    assert (ran.code, ran.out) == (2, "")
    assert "'playbook' is not one of 'runbook', 'contacts', 'registry'" in ran.err
