"""A machine of production is known by whatever leads to it, and one that only looks like it is not."""

from __future__ import annotations

import os

import pytest
import yaml
from harness.fakes import runbook_file
from harness.scheduler import schedule
from harness.ssh_lab import environ
from harness.staging_drill import installation_of

from runner.core.errors import InvalidInputError
from runner.lab.drills.host_identity import HostIdentity, IdentityMark
from runner.lab.drills.plain_ansible import PlainAnsible
from runner.library.library import Library
from runner.render.drills.drill_result import DrillTest
from runner.services.drills.drill_task import DrillTask
from runner.services.drills.production_overlap import (
    Production,
    check_is_not_production,
    known_inventories,
    production_hosts,
)
from runner.store.run_state import RunState


def host(name, *marks, **about):
    return HostIdentity(name, frozenset(marks), **about)


DB = host(
    "db1",
    (IdentityMark.ADDRESS, "10.0.0.5"),
    (IdentityMark.ADDRESS, "db1.example.com"),
    (IdentityMark.HOST_KEY, "SHA256:aaaa"),
    (IdentityMark.MACHINE, "0123"),
    (IdentityMark.DATABASE, "7300"),
    (IdentityMark.INSTANCE, "i-0abc"),
)
LOCAL = host("near", (IdentityMark.ADDRESS, "127.0.77.41:2201"))
PRODUCTION = Production([DB, LOCAL])


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        (host("stage", (IdentityMark.ADDRESS, "10.0.0.5")), "stage has the address of db1 of production: 10.0.0.5"),
        (
            host("stage", (IdentityMark.HOST_KEY, "SHA256:aaaa")),
            "stage has the ssh host key of db1 of production: SHA256:aaaa",
        ),
        (host("stage", (IdentityMark.MACHINE, "0123")), "stage has the machine id of db1 of production: 0123"),
        (
            host("stage", (IdentityMark.INSTANCE, "i-0abc")),
            "stage has the cloud instance id of db1 of production: i-0abc",
        ),
        (
            host("stage", (IdentityMark.DATABASE, "7300")),
            "stage has the database system identifier of db1 of production: 7300",
        ),
        (
            host("stage", through={"bastion": frozenset({"10.0.0.5"})}),
            "stage is reached through bastion, which is db1 of production (10.0.0.5)",
        ),
        (
            host("stage", database=frozenset({"db1.example.com"})),
            "the inventory names a database for stage, which is db1 of production (db1.example.com)",
        ),
        (
            host("stage", database=frozenset({"127.0.77.41:0"})),
            "the inventory names a database for stage, which is near of production (127.0.77.41)",
        ),
    ],
)
def test_what_leads_to_production_is_named(known, sentence):
    assert PRODUCTION.overlaps([known], {}) == (sentence,)


@pytest.mark.parametrize(
    "known",
    [
        host(
            "db1",
            (IdentityMark.ADDRESS, "10.9.0.5"),
            (IdentityMark.HOST_KEY, "SHA256:bbbb"),
            (IdentityMark.MACHINE, "4567"),
        ),
        host("near", (IdentityMark.ADDRESS, "127.0.77.41:2202"), database=frozenset({"127.0.0.1:0", "localhost:0"})),
        host("stage", through={"bastion": frozenset({"10.9.0.1"})}),
    ],
)
def test_what_only_has_its_name_or_another_port_of_this_machine_is_not(known):
    assert PRODUCTION.overlaps([known], {}) == ()


def test_what_the_drill_does_may_not_name_it():
    texts = {
        "the step 'a'": "psql -h db1.example.com",
        "the step 'b'": "kill db1; see notdb1.example.com.",
        "c": "10.0.0.50",
    }

    assert PRODUCTION.overlaps([], texts) == ("the step 'a' names db1.example.com, which is db1 of production",)


def test_a_name_that_staging_has_as_well_is_that_of_staging():
    theirs = Production([host("web.example.com", (IdentityMark.ADDRESS, "10.0.0.7"))])
    texts = {"the step": "curl http://web.example.com/"}

    assert theirs.overlaps([host("web.example.com", (IdentityMark.ADDRESS, "10.9.0.7"))], texts) == ()
    assert theirs.overlaps([], texts) == ("the step names web.example.com, which is web.example.com of production",)


DRILL = {
    "probe": {"http": "http://app/health"},
    "inject": {"command": "touch /srv/x"},
    "symptom": {"that": "status == 503"},
    "proof": {"command": "cat /srv/page", "that": "stdout == 'hello'"},
}
CLASSES = {"staging": {"runbook_environment": "staging"}, "production": {"runbook_environment": "production"}}


def task_of(directory, hosts, **changes):
    """The drill of a runbook, which `changes` say, on the staging of these `hosts`; those of production are known."""
    runbook_file(directory, hosts="app", **{"drill": DRILL, **changes})
    for name, members in hosts.items():
        path = directory / f"inventories/{name}.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump({"all": {"children": {"app": {"hosts": members, "vars": CLASSES[name]}}}}))
    library = Library(directory)
    ansible = PlainAnsible([directory / "inventories/staging.yml"], directory, environ())
    source = library.usable("RUN-001")
    drill = source.runbook.drill[0]
    return DrillTask(library, source, drill, DrillTest.AS_WRITTEN, ansible, ansible.inventory(), "staging")


@pytest.mark.live
def test_staging_that_leads_to_production_is_refused_before_any_host_is_asked(tmp_path):
    sql = {"runbook_sql": {"PGHOST": "10.77.1.9"}}
    hosts = {
        "staging": {"app1": {"ansible_host": "10.77.1.8", **sql}, "app2": {"ansible_host": "10.77.1.9"}},
        "production": {"db": {"ansible_host": "10.77.1.9"}},
    }
    task = task_of(tmp_path, hosts)

    with pytest.raises(InvalidInputError) as caught:
        check_is_not_production(task, {}, installation_of(tmp_path).state, environ())

    assert caught.value.message == (
        "nothing is broken in production: "
        "the inventory names a database for app1, which is db of production (10.77.1.9); "
        "app2 has the address of db of production: 10.77.1.9"
    )


MEND = {
    "id": "mend",
    "name": "Start it",
    "command": "curl --fail {{ app_url }}/start/{{ what_is_seen }}",
    "verify": [{"exit": 0}],
}
NAMED = "which is shop.prod.test of production"


@pytest.mark.live
def test_what_the_drill_its_probe_or_its_runbook_does_to_production_is_refused(tmp_path):
    hosts = {
        "staging": {"app1": {"ansible_host": "10.77.1.8", "app_url": "http://10.77.1.9:8080"}},
        "production": {"shop.prod.test": {"ansible_host": "10.77.1.9"}},
    }
    drill = {
        **DRILL,
        "inject": {"command": "ssh shop.prod.test stop"},
        "proof": {"command": "curl {{ app_url }}", "matches": "well"},
        "probe": {"http": "{{ app_url }}/health"},
    }
    task = task_of(tmp_path, hosts, drill=drill, steps=[{**MEND, "capture": {"what_is_seen": "stdout"}}])

    with pytest.raises(InvalidInputError) as caught:
        check_is_not_production(task, {}, installation_of(tmp_path).state, environ())

    assert caught.value.message == (
        "nothing is broken in production: "
        f"the drill's step 'Break the system' names shop.prod.test, {NAMED}; "
        f"the drill's step 'See that nothing is lost' names 10.77.1.9, {NAMED}; "
        f"the runbook's step 'Start it' names 10.77.1.9, {NAMED}; "
        f"the drill's probe names 10.77.1.9, {NAMED}"
    )


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
