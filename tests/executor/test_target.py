"""What a run is aimed at: which hosts, and how serious they are."""

from __future__ import annotations

import pytest
from harness.fakes import runbook_file
from harness.runbook_files import read_runbook

from runner.core.errors import ExitCode, InvalidInputError, UnreachableError
from runner.executor.target import Target, check_hosts

STEP = {"id": "a", "name": "A", "command": "ls", "verify": [{"exit": 0}]}
HELLO = {
    "kind": "hello",
    "plays": [
        {"pattern": "app", "hosts": ["app1", "app2"]},
        {"pattern": "db", "hosts": ["db1"]},
        {"pattern": "app", "hosts": ["app1", "app2"]},
    ],
    "environments": {"app1": "lab", "app2": "staging", "db1": "local"},
}


@pytest.fixture
def runbook(tmp_path):
    return read_runbook(runbook_file(tmp_path, hosts="app", steps=[STEP, {**STEP, "id": "b", "hosts": "db"}]))


def test_the_plugin_names_the_hosts_of_each_play(runbook):
    target = Target.from_message(HELLO)
    assert target == Target(
        {"app": ("app1", "app2"), "db": ("db1",)}, {"app1": "lab", "app2": "staging", "db1": "local"}
    )
    assert target.names == ("app1", "app2", "db1")
    assert [target.of(runbook, step) for step in runbook.steps] == [("app1", "app2"), ("db1",)]
    target.check(runbook)


@pytest.mark.parametrize(
    ("environments", "whole"),
    [({"a": "local"}, "local"), ({"a": "lab", "b": "production", "c": "staging"}, "production"), ({}, "production")],
)
def test_the_whole_is_as_serious_as_its_most_serious_host(environments, whole):
    assert Target({}, environments).environment == whole


@pytest.mark.parametrize("hosts", [{"app": ("app1",)}, {"app": ("app1",), "db": ()}, {}])
def test_a_step_without_a_host_is_no_success(runbook, hosts):
    with pytest.raises(UnreachableError) as caught:
        Target(hosts, {}).check(runbook)
    missing = "b" if hosts else "a"
    assert caught.value.message.startswith(
        f"the step {missing!r} has no host: the inventory and --limit leave none of "
    )
    assert (caught.value.exit_code, bool(caught.value.hint)) == (ExitCode.UNREACHABLE, True)


def test_a_host_by_its_place_is_not_found_by_another_name(runbook):
    runbook = runbook.model_copy(update={"hosts": "app[0]"})
    with pytest.raises(UnreachableError) as caught:
        Target({}, {}).check(runbook)
    assert (
        caught.value.hint == "app[0] goes by the place in the group, whatever --limit names: name that host there too"
    )


def test_a_class_that_nobody_knows_is_refused(runbook):
    target = Target({"app": ("app1",), "db": ("db1",)}, {"app1": "lab", "db1": "prod"})
    with pytest.raises(InvalidInputError) as caught:
        target.check(runbook)
    assert caught.value.message == "db1: runbook_environment is 'prod'"
    assert caught.value.hint == "set it in the inventory's group_vars to one of local, lab, staging, production"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (
            {"missing": [{"where": "app", "name": "app"}, {"where": "db:bd2", "name": "bd2"}]},
            "the inventory has no host for 'app', named by RUN-001; 'bd2', named by RUN-001 in 'db:bd2'",
        ),
        (
            {"missing": [{"where": "--limit", "name": "app9"}]},
            "the inventory has no host for 'app9', named by --limit",
        ),
        ({"idle": ["web1"]}, "--limit names web1, where RUN-001 has no host to work on"),
    ],
)
def test_fewer_hosts_than_somebody_meant_are_refused_by_name(runbook, told, message):
    with pytest.raises(UnreachableError) as caught:
        Target.from_message({**HELLO, **told}).check(runbook)

    assert caught.value.message == message


def test_a_limit_that_was_meant_for_the_runbook_before_may_name_other_hosts_too(runbook):
    Target.from_message({**HELLO, "idle": ["web1"]}).check(runbook, within="app1")


def test_what_the_inventory_demands_and_protects_is_known():
    facts = {
        "app1": {"policy": {"max_hosts": 3}},
        "app2": {"protected": False},
        "db1": {"protected": "Holds the ledger", "policy": {"max_hosts": 2}},
    }
    target = Target.from_message({**HELLO, "connection_facts": facts})

    assert (target.policy.max_hosts, target.protected) == (2, {"db1": "Holds the ledger"})


NODE, SPARE = ({"type": "host", "help": help_} for help_ in ("The node", "Another"))


def test_every_host_that_the_inventory_does_not_have_is_told(tmp_path):
    runbook = read_runbook(runbook_file(tmp_path, inputs={"node": NODE, "spare": SPARE, "word": {"help": "A word"}}))

    check_hosts(runbook, {"node": "db1", "spare": "db2", "word": "x"}, ["db1", "db2"])
    with pytest.raises(InvalidInputError) as caught:
        check_hosts(runbook, {"node": "bd1", "spare": "x", "word": "x"}, ["db1", "db2"])

    assert caught.value.message == (
        "-e node=bd1: the inventory has no such host\n-e spare=x: the inventory has no such host"
    )
    assert caught.value.hint == "did you mean 'db1'?"


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            {"ambiguous": [{"where": "app", "name": "app"}]},
            "a group and a host have the same name in the inventory: 'app'",
        ),
        ({"warnings": ["Skipping 'x'"]}, "Ansible leaves out a part of the inventory: Skipping 'x'"),
    ],
)
def test_what_ansible_only_warns_of_is_no_success(runbook, found, sentence):
    with pytest.raises(UnreachableError) as caught:
        Target.from_message(HELLO | found).check(runbook)
    assert caught.value.message.startswith(sentence)


DRAIN = {**STEP, "id": "drain", "on": "lb"}


@pytest.fixture
def delegating(tmp_path):
    return read_runbook(runbook_file(tmp_path, hosts="app", steps=[STEP, DRAIN]))


def at(*names):
    """The inventory's answer, with these hosts by the name on which a step is done for others."""
    classes = {**HELLO["environments"], **dict.fromkeys(names, "production")}
    return Target.from_message(
        {**HELLO, "delegates": {"lb": names}, "environments": classes, "machines": {"lb1": "::9"}}
    )


def test_a_machine_that_works_for_others_is_reached_and_locked_and_counts_for_the_class_of_the_run(delegating):
    target = at("lb1")

    target.check(delegating)

    here, there = delegating.steps
    assert (target.names, target.reached) == (("app1", "app2", "db1"), ("app1", "app2", "db1", "lb1"))
    assert (target.locks, target.environment) == (("host:app1", "host:app2", "host:db1", "host:::9"), "production")
    assert [target.of(delegating, step) for step in (here, there)] == [("app1", "app2")] * 2
    assert [target.worked_on(delegating, step) for step in (here, there)] == [("app1", "app2"), ("lb1",)]
    assert [target.delegate(step) for step in (here, there)] == ["", "lb1"]


def test_a_machine_from_which_somebody_looks_is_reached_and_changes_nothing(tmp_path):
    looks = {"port": {"open": 80, "from": "lb"}}
    runbook = read_runbook(runbook_file(tmp_path, hosts="app", steps=[{**STEP, "verify": [looks]}]))
    target = at("lb1")

    target.check(runbook)

    (step,) = runbook.steps
    assert runbook.delegates == ("lb",)
    assert (target.reached, target.looks_for(step)) == (("app1", "app2", "db1", "lb1"), ("lb1",))
    assert target.worked_on(runbook, step) == ("app1", "app2")
    with pytest.raises(UnreachableError):
        at("lb1", "lb2").check(runbook)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("lb1", "lb2"), "RUN-001 does 'drain' (RUN-001.yml:9) on the group 'lb', which has 2 hosts: lb1, lb2"),
        ((), "RUN-001 does 'drain' (RUN-001.yml:9) on 'lb', and the inventory has no host for it"),
    ],
)
def test_a_step_is_done_on_one_machine_or_refused(delegating, names, message):
    with pytest.raises(UnreachableError) as caught:
        at(*names).check(delegating, place_of={"drain": "RUN-001.yml:9"}.__getitem__)
    assert caught.value.message == message
    assert caught.value.hint == "`on` and `from` are one machine: name a host, a group of exactly one, or localhost"


def test_each_variable_that_a_step_cannot_do_without_is_set_for_all_of_its_hosts(runbook):
    target = Target.from_message({**HELLO, "lacking": {"url": ["app2", "db1"], "root": ["db1"]}})

    target.check_variables(runbook, {"a": {"root"}, "b": set()})
    with pytest.raises(InvalidInputError) as caught:
        target.check_variables(runbook, {"a": {"url", "root"}, "b": {"url", "root"}})

    assert caught.value.message.splitlines() == [
        "url is not set for app2, and a cannot do without",
        "root is not set for db1, and b cannot do without",
        "url is not set for db1, and b cannot do without",
    ]
