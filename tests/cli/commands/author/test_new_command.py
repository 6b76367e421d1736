"""`runbook new` begins a runbook that loads, with an id that was never used."""

from __future__ import annotations

import json

import pytest
from harness.runbook_files import read_runbook

from runner.model.category import Category


@pytest.mark.parametrize("category", [str(each) for each in Category])
def test_each_category_begins_with_a_file_that_loads_and_lints(runbook, library, here, category):
    library()
    (here / "runbooks" / "contacts.yml").write_text(
        "backend-team: {name: Backend}\non-call: {name: On call, channels: [{webhook: {url: 'http://localhost:1'}}]}\n"
    )

    ran = runbook("new", "RUN-007", "--category", category)

    path = here / "runbooks" / "RUN-007.yml"
    made = read_runbook(path)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "wrote  runbooks/RUN-007.yml")
    assert (str(made.category), made.owner, made.escalation.contacts) == (category, "backend-team", ("on-call",))
    assert runbook("compile", "RUN-007").code == 0
    found = json.loads(runbook("lint", "RUN-007", "--format", "json").out)
    assert {finding["rule"] for finding in found} == {"todo-left"}


def test_without_an_id_it_is_one_that_nobody_speaks_of(runbook, library, here):
    path = library()
    path.write_text(f"{path.read_text()}# see RUN-033\n")

    assert runbook("new", "--category", "incident").out.splitlines()[-1] == "wrote  runbooks/RUN-034.yml"
    assert (here / "runbooks" / "RUN-034.yml").is_file()


def test_an_id_is_never_used_twice(runbook, library, ansible, here):
    library()
    runbook("run", "RUN-001", "-i", "inventory.yml")

    taken = runbook("new", "RUN-001", "--category", "incident")
    (here / "runbooks" / "RUN-001.yml").unlink()
    gone = runbook("new", "RUN-001", "--category", "incident")

    assert (taken.code, taken.err.splitlines()[0]) == (2, "error: RUN-001 already exists: runbooks/RUN-001.yml")
    assert (gone.code, gone.err.splitlines()[0]) == (2, "error: RUN-001 was the id of a runbook that is gone")


def test_an_id_that_is_none(runbook, library):
    library()

    ran = runbook("new", "RUN-1", "--category", "incident")

    assert (ran.code, ran.err) == (
        2,
        "error: 'RUN-1': must be RUN- and three to six digits, like RUN-001, not 'RUN-1'\n",
    )


def test_where_there_is_no_library_one_is_begun(runbook, here):
    ran = runbook("new", "--category", "recovery")

    made = [line.removeprefix("wrote  ") for line in ran.out.splitlines()]
    assert (ran.code, made) == (
        0,
        [
            "runbooks/contacts.yml",
            "runbooks/schemas/runbook.json",
            "runbooks/schemas/contacts.json",
            "runbooks/schemas/registry.json",
            "runbooks/schemas/shared.json",
            "runbooks/schemas/project.json",
            "inventories/local/group_vars/all.yml",
            "inventories/local/hosts.yml",
            "inventories/production/group_vars/all.yml",
            "inventories/production/hosts.yml",
            "inventories/staging/group_vars/all.yml",
            "inventories/staging/hosts.yml",
            "runbooks/RUN-001.yml",
        ],
    )
    assert (here / "runbooks" / "schemas" / "runbook.json").read_text() == runbook("schema").out
    assert (here / made[-1]).read_text().startswith("# yaml-language-server: $schema=schemas/runbook.json\n")
    assert runbook("compile").code == 0
    assert {finding["rule"] for finding in json.loads(runbook("lint", "--format", "json").out)} == {"todo-left"}


def test_a_new_runbook_does_its_steps_itself_and_stops_where_the_alert_is_a_false_one(runbook, here):
    for category in map(str, Category):
        runbook("new", "--category", category)

    made = {each.category: each for each in (read_runbook(path) for path in (here / "runbooks").glob("RUN-*.yml"))}
    assert set(made) == set(Category)
    for each in made.values():
        assert any(step.action and not step.manual for step in each.steps)
    assert made[Category.INCIDENT].steps[0].on_failure == "stop"


def test_the_inventories_of_a_new_library_say_their_class(runbook, here):
    runbook("new", "--category", "incident")

    ran = runbook("plan", "RUN-001")

    assert ran.err.splitlines()[1:4] == [
        "  inventories/local       local",
        "  inventories/production  production",
        "  inventories/staging     staging",
    ]


def test_a_run_of_another_librarys_runbook_uses_up_no_id(runbook, library, ansible, here, tmp_path, monkeypatch):
    # Given a run of RUN-001 of the library here, recorded where another library is begun
    library()
    state = here / ".runbook"
    assert runbook("run", "RUN-001", "-i", "inventory.yml").code == 0
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")

    ran = runbook("--state-dir", state, "new", "--category", "maintenance")

    assert (ran.code, ran.out.splitlines()[-1]) == (0, "wrote  runbooks/RUN-001.yml")


def test_an_id_whose_runbook_is_gone_is_passed_over(runbook, library, ansible, here):
    library()
    runbook("run", "RUN-001", "-i", "inventory.yml")
    (here / "runbooks" / "RUN-001.yml").unlink()

    named = runbook("new", "RUN-001", "--category", "incident")
    ran = runbook("new", "--category", "incident")

    assert named.err.splitlines()[-1] == "hint: its runs are in the audit log; the next free id is RUN-002"
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "wrote  runbooks/RUN-002.yml")


def test_what_is_there_of_a_library_is_left_alone(runbook, library, here):
    library()
    contacts = (here / "runbooks" / "contacts.yml").read_text()

    assert runbook("new", "--category", "recovery").code == 0

    assert (here / "runbooks" / "contacts.yml").read_text() == contacts


def test_a_library_that_is_named_is_begun_there(runbook, here):
    (here / "mine").mkdir()

    assert runbook("--library", "mine", "new", "--category", "incident").code == 0
    assert runbook("--library", "yours", "new", "--category", "incident").err.splitlines()[0] == (
        "error: there is no directory yours"
    )
    assert [path.name for path in here.rglob("RUN-*.yml")] == ["RUN-001.yml"]
