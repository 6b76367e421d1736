"""What of an undo a host can do alone, and what is refused as it needs somebody."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from harness.fakes import runbook_file

from runner.core.errors import ExecutionError, InvalidInputError
from runner.lab.drills.armed_undo import Arming, HostUndo, arm, host_undos
from runner.lab.drills.plain_ansible import Inventory, PlainAnsible
from runner.lab.drills.undo_script import UndoCommand, place_of
from runner.library.library import Library

INVENTORY = Inventory({"app": ["app1", "app2"], "db": ["db1"]}, {"app1": {}, "app2": {}, "db1": {}})
DRILL = {
    "probe": {"http": "http://app/health"},
    "inject": {"command": "touch /srv/broken"},
    "symptom": {"that": "status == 503"},
    "proof": {"command": "cat /srv/page", "that": "stdout == 'hello'"},
}


def undos(tmp_path, *steps):
    runbook_file(tmp_path, hosts="app", drill={**DRILL, "undo": list(steps)})
    source = Library(tmp_path).usable("RUN-001")
    return host_undos(source, source.runbook.drill[0], INVENTORY)


def test_each_host_does_its_own_part_in_order(tmp_path):
    first = {"name": "First", "hosts": "db", "command": "rm /srv/broken", "become": True, "become_user": "postgres"}
    second = {"name": "Second", "hosts": "db", "command": "df /", "timeout": "7s"}
    third = {
        "name": "Third",
        "hosts": "app",
        "command": ["echo", "{{ word }}"],
        "chdir": "/srv",
        "env": {"A": "{{ b }}"},
    }

    found = undos(tmp_path, first, second, third)

    limit = ("timeout", "--kill-after=5s")
    actions = [
        UndoCommand("First", [*limit, "60s", "rm", "/srv/broken"], 60.0, user="postgres"),
        UndoCommand("Second", [*limit, "7s", "df", "/"], 7.0),
    ]
    echo = UndoCommand("Third", [*limit, "60s", "echo", "{{ word }}"], 60.0, environment={"A": "{{ b }}"}, chdir="/srv")
    assert [(each.host, list(each.actions), each.user) for each in found] == [
        ("db1", actions, "root"),
        ("app1", [echo], ""),
        ("app2", [echo], ""),
    ]


def test_all_of_one_user_is_armed_by_that_user(tmp_path):
    (found,) = undos(tmp_path, {"hosts": "db", "command": "df /", "become": True, "become_user": "postgres"})

    play = found.play("20260101T000000Z-00000001", "A drill", 120)
    assert (found.user, play["tasks"][1]["become_user"]) == ("postgres", "postgres")
    assert play["tasks"][1]["ansible.builtin.command"]["argv"][-2:] == [
        "/var/tmp/runbook-drill-20260101T000000Z-00000001",
        "120",
    ]
    assert yaml.safe_load(yaml.safe_dump(play)) == play


@pytest.mark.parametrize(
    "step",
    [
        {
            "module": {"ansible.builtin.file": {"path": "/srv/broken", "state": "absent"}},
            "verify": [{"command": "df /"}],
        },
        {"command": "df /", "on": "db"},
        {"command": "df /", "capture": {"size": "stdout"}},
        {"command": "df /", "retry": 3},
        {"command": "df /", "only_if": "word is defined"},
        {"manual": "Look", "verify": [{"confirm": "It is well"}]},
    ],
    ids=["module", "on", "capture", "retry", "only_if", "manual"],
)
def test_what_needs_somebody_else_is_refused(tmp_path, step):
    with pytest.raises(InvalidInputError, match="the host itself cannot do the step 'Take it back'"):
        undos(tmp_path, {"name": "Take it back", **step})


def test_without_an_undo_nothing_is_broken(tmp_path):
    runbook_file(tmp_path, hosts="app", drill=DRILL)
    source = Library(tmp_path).usable("RUN-001")

    with pytest.raises(InvalidInputError, match="the drill of RUN-001 has no `undo`"):
        host_undos(source, source.runbook.drill[0], INVENTORY)


def test_a_host_that_the_inventory_lacks_is_named(tmp_path):
    with pytest.raises(InvalidInputError, match="the inventory has no host for 'nowhere'"):
        undos(tmp_path, {"command": "df /", "hosts": "nowhere"})


def test_an_undo_has_a_type_of_its_own():
    assert HostUndo("a", (), "", {}).play("x", "t", 1)["hosts"] == "a"


@pytest.mark.live
def test_nothing_is_armed_where_a_host_leads_to_another_machine_by_now(tmp_path):
    inventory = tmp_path / "hosts.ini"
    inventory.write_text(f"app1 ansible_connection=local ansible_python_interpreter={sys.executable}\n")
    drill = f"20260101T000000Z-{tmp_path.stat().st_ino % 16**8:08x}"
    undo = HostUndo("app1", [UndoCommand("Nothing", ["true"], 5.0)], "", {})
    arming = Arming(drill, "A drill", [undo], timedelta(minutes=5), {"app1": "the hash of what another one says"})

    with pytest.raises(ExecutionError) as caught:
        arm(PlainAnsible([inventory], tmp_path), arming, {})

    why = "app1: it leads to another machine than the one that was compared with production"
    assert (caught.value.hint, Path(place_of(drill)).exists()) == (why, False)
