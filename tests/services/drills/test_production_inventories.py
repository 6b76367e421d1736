"""An inventory of production is known by where it lies, by a schedule, or by a run; what cannot be read is named."""

from __future__ import annotations

import os

import pytest
from harness.fakes import runbook_file
from harness.scheduler import schedule
from harness.staging_drill import installation_of

from runner.core.errors import InvalidInputError
from runner.lab.drills.plain_ansible import PlainAnsible
from runner.library.library import Library
from runner.services.drills.production_inventories import known_inventories, production_hosts
from runner.store.run_state import RunState

RUN = "20260101T000000Z-00000001"


@pytest.fixture
def state(tmp_path):
    return installation_of(tmp_path).state


def has_run(state, *inventories, run=RUN, environment="production"):
    paths = tuple(map(str, inventories))
    state.begin(RunState(run, "RUN-001", "T", "", "u", inventories=paths, environments={"db1": environment})).release()


def inventory(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_each_is_known_once_and_by_what(tmp_path, state):
    inside = inventory(tmp_path / "inventories/all.yml", "all: {}")
    inventory(tmp_path / "inventories/README.md", "# Ours")
    runbook_file(tmp_path, schedules=[schedule(inventory="elsewhere/planned.yml")])
    for number, environment in enumerate(["production", "staging"], 1):
        has_run(state, f"/srv/{environment}.yml", "/srv/more.yml", run=f"{RUN[:-1]}{number}", environment=environment)
    has_run(state, inside, run=f"{RUN[:-1]}3")

    from_runs = [path.resolve() for path in map(tmp_path.joinpath, ["/srv/production.yml", "/srv/more.yml"])]
    assert known_inventories(Library(tmp_path), state) == {
        (inside,): "in inventories/",
        (tmp_path / "elsewhere/planned.yml",): "of the schedule RUN-001/nightly",
        tuple(from_runs): f"of the run {RUN}",
    }


@pytest.mark.live
def test_hosts_that_say_no_class_are_of_production_and_what_is_not_read_is_named(tmp_path, state):
    runbook_file(tmp_path)
    mixed = "all: {hosts: {db1: {}, stage: {runbook_environment: staging}}}"
    inventory(tmp_path / "inventories/mixed.yml", mixed)
    outside = inventory(tmp_path / "far/production.yml", "all: {hosts: {db9: {runbook_environment: production}}}")
    inventory(tmp_path / "inventories/stage.ini", "[all:vars]\nrunbook_environment=staging\n[web:what]\n")
    has_run(state, outside)
    has_run(state, tmp_path / "gone.yml", run=f"{RUN[:-1]}2")
    ansible = PlainAnsible([], tmp_path, dict(os.environ))

    found = production_hosts(Library(tmp_path), state, ansible)

    assert [[*each.variables] for each in found.inventories] == [["db1"], ["db9"]]
    assert found.unread == (
        f"{tmp_path}/gone.yml, of the run {RUN[:-1]}2, is not there any more: nothing is compared with it",
        f"{tmp_path}/inventories/stage.ini cannot be read: nothing is compared with it",
    )
    inventory(tmp_path / "inventories/mixed.yml", mixed[:-2])
    with pytest.raises(InvalidInputError, match=r"nobody knows what of production is in .*/mixed\.yml, which cannot"):
        production_hosts(Library(tmp_path), state, ansible)
