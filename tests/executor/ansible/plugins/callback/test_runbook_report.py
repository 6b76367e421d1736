"""Each callback is one message; no host does anything before all are answered by yes, and a fault ends Ansible."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import socket
import sys
import textwrap
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible import constants
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.template import Templar, trust_as_template
from ansible.vars.manager import VariableManager
from harness import PATIENCE
from harness.ansible_loader import plugin_loader
from harness.fakes import RUN_ID
from harness.texts import WORDS

import runner
from runner.core.errors import AuditError
from runner.executor.ansible.callback_socket import CallbackSocket
from runner.executor.ansible.teardown import unfinished

_PATH = Path(runner.__file__).parent / "executor" / "ansible" / "plugins" / "callback" / "runbook_report.py"
PYTHONS = constants.config.get_config_value("INTERPRETER_PYTHON_FALLBACK")
_SPEC = importlib.util.spec_from_file_location("runbook_report_plugin", _PATH)
report = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(report)
REFUSED = sys.modules["runbook_reports"].REFUSED

TASK = "RUN-001/look/action | Look"


def socket_of(address, port=None, user=None):
    """What Ansible calls the socket of a connection that it keeps open."""
    return hashlib.sha1(f"{address}-{port}-{user}".encode(), usedforsecurity=False).hexdigest()[:10]


class EndedError(BaseException):
    """What `os._exit` is in these tests."""


@pytest.fixture
def ended(monkeypatch):
    """The codes with which the plugin ended the process; the first is the one that counts."""
    codes = []

    def end(code):
        codes.append(code)
        raise EndedError

    monkeypatch.setattr(os, "_exit", end)
    return codes


@pytest.fixture
def plugin_at(tmp_path, monkeypatch):
    """The plugin, and the messages that it has sent to a socket whose handler is `handle` besides."""

    @contextlib.contextmanager
    def connected(handle=lambda _: None, captured=None):
        heard = []

        def hear(message):
            heard.append(message)
            return handle(message)

        path = tmp_path / "report"
        (tmp_path / "captured.json").write_text(json.dumps(captured or {}))
        monkeypatch.setenv("RUNBOOK_REPORT_SOCKET", str(path))
        monkeypatch.setenv(report.ATTEMPT, RUN_ID)
        with CallbackSocket(path, hear):
            plugin = report.CallbackModule()
            try:
                yield plugin, heard
            finally:
                with contextlib.suppress(EndedError, OSError):  # what it could not say is still to be said
                    plugin._reports.settle()
                with contextlib.suppress(OSError):
                    plugin._reports.close()

    return connected


def named(name, action="ansible.builtin.command"):
    return SimpleNamespace(name=name, get_name=lambda: name, delegate_to=None, get_vars=dict, action=action)


def result(**answer):
    return SimpleNamespace(host=named("db1"), task=named(TASK), result=answer)


def playbook_of(directory, playbook, inventory):
    plugin_loader()
    (directory / "play.yml").write_text(playbook)
    (directory / "hosts.yml").write_text(inventory)
    loader = DataLoader()
    hosts = InventoryManager(loader, sources=[str(directory / "hosts.yml")])
    variables = VariableManager(loader, hosts)
    return Playbook.load(str(directory / "play.yml"), variable_manager=variables, loader=loader)


INVENTORY = """
all:
  children:
    db: {hosts: {db1: {runbook_environment: staging}, db2: {ansible_host: "{{ net }}.2", ansible_port: 2222, net: 10.0.0}}}
    app: {hosts: {app1: {runbook_environment: local, ansible_connection: local}}}
"""


def test_the_first_message_names_the_hosts_of_every_play_and_the_class_of_each_host(plugin_at, tmp_path):
    playbook = playbook_of(tmp_path, "- hosts: db\n- hosts: [app, db1]\n- hosts: nobody\n", INVENTORY)

    with plugin_at() as (plugin, heard):
        plugin.v2_playbook_on_start(playbook)

    # Ansible sets many more, another set in each of its versions
    assert {"ansible_connection", "ansible_host", "runbook_environment"} <= set(heard[0].pop("variables"))
    assert heard == [
        {
            "kind": "inventory",
            "pid": os.getpid(),
            "plays": [
                {"pattern": "db", "hosts": ["db1", "db2"]},
                {"pattern": "app:db1", "hosts": ["app1", "db1"]},
                {"pattern": "nobody", "hosts": []},
            ],
            "missing": [{"where": "nobody", "name": "nobody"}],
            "ambiguous": [],
            "delegates": {},
            "called": {},
            "successors": {},
            "warnings": [],
            "idle": [],
            "lacking": {},
            "looked_up": {"environment": [], "beside": []},
            "environments": {"db1": "staging", "db2": "production", "app1": "local"},
            "machines": {"db1": "db1:22", "db2": "10.0.0.2:2222", "app1": "app1"},
            "connection_facts": {
                "db1": {"pythons": PYTHONS, "socket": socket_of("db1")},
                "db2": {"address": "10.0.0.2", "port": 2222, "pythons": PYTHONS, "socket": socket_of("10.0.0.2", 2222)},
                "app1": {"connection": "local", "pythons": PYTHONS},
            },
            "inventory_hosts": 3,
            "commands": {},
            "secret_values": [],
            "secret_paths": [],
        }
    ]


NAMES = """
all:
  children:
    db: {hosts: {db1: {}, db2: {}}}
    app: {hosts: {app1: {}}}
    spare: {}
"""


@pytest.mark.parametrize(
    ("hosts", "limit", "missing", "idle"),
    [
        ("db:app", None, [], []),
        ("db:spare", None, [("db:spare", "spare")], []),
        ("[db, bd]", None, [("db:bd", "bd")], []),
        ("db:!spare", None, [], []),
        ("db:!bd2", None, [("db:!bd2", "bd2")], []),
        ("db:!bd*", None, [], []),
        ("db:!sprae[0]", None, [("db:!sprae[0]", "sprae[0]")], []),
        ("db:&nobody", None, [("db:&nobody", "nobody")], []),
        ("web*:db", None, [("web*:db", "web*")], []),
        ("db", "db1,db3", [("--limit", "db3")], []),
        ("db", "db1:!db9", [("--limit", "db9")], []),
        ("db", "db1,app1", [], ["app1"]),
        ("db", "db1,app", [], ["app"]),
        ("db", "all:!app", [], []),
    ],
)
def test_hello_names_what_the_inventory_lacks_and_where_nothing_is_done(
    plugin_at, tmp_path, hosts, limit, missing, idle
):
    playbook = playbook_of(tmp_path, f"- hosts: {json.dumps(hosts) if hosts[0] != '[' else hosts}\n", NAMES)
    playbook.get_plays()[0].get_variable_manager()._inventory.subset(limit)

    with plugin_at() as (plugin, heard):
        plugin.v2_playbook_on_start(playbook)

    assert [(item["where"], item["name"]) for item in heard[0]["missing"]] == missing
    assert heard[0]["idle"] == idle


def test_hosts_that_ansible_would_take_for_one_another_have_sockets_of_their_own(plugin_at, tmp_path):
    # Given hosts of one address, of which two are reached by the same way, one by another, and one by a socket that is named
    hosts = """
        all:
          hosts:
            db1: {ansible_ssh_common_args: -J one}
            db2: {ansible_ssh_common_args: -J two}
            db3: {ansible_ssh_common_args: -J two, ansible_control_path: /run/db3}
            app1: {ansible_host: 10.0.0.9}
            app2: {ansible_host: 10.0.0.9}
          vars: {ansible_host: 10.0.0.1}
    """
    playbook = playbook_of(tmp_path, "- hosts: all\n", textwrap.dedent(hosts))
    manager = playbook.get_plays()[0].get_variable_manager()
    # When
    with plugin_at() as (plugin, heard):
        plugin.v2_playbook_on_start(playbook)
    # Then Ansible is told of each that it would confuse, and whoever connects before it knows where
    sockets = {name: facts.get("socket") for name, facts in heard[0]["connection_facts"].items()}
    paths = {
        name: manager.get_vars(host=manager._inventory.get_host(name)).get("ansible_control_path") for name in sockets
    }
    assert (sockets["app1"], sockets["app2"], sockets["db3"]) == (socket_of("10.0.0.9"), socket_of("10.0.0.9"), None)
    assert len({sockets["db1"], sockets["db2"], socket_of("10.0.0.1")}) == 3
    assert paths == {
        "db1": f"%(directory)s/{sockets['db1']}",
        "db2": f"%(directory)s/{sockets['db2']}",
        "db3": "/run/db3",
        "app1": None,
        "app2": None,
    }


def test_of_a_secret_no_more_is_told_than_that_it_is_there_and_of_two_names_the_last_counts(
    plugin_at, tmp_path, monkeypatch
):
    monkeypatch.delenv("ANSIBLE_BECOME_PASSWORD_FILE", raising=False)
    variables = """
        ansible_host: 10.0.0.1
        ansible_ssh_host: 10.0.0.2
        ansible_password: hunter2
        ansible_become: true
        runbook_policy: {max_hosts: "{{ most }}"}
        most: 3
        runbook_protected: Holds the ledger
    """
    playbook = playbook_of(tmp_path, "- hosts: all\n", f"all:\n  hosts:\n    db1:{variables}")

    with plugin_at() as (plugin, heard):
        plugin.v2_playbook_on_start(playbook)

    assert heard[0]["connection_facts"]["db1"] == {
        "address": "10.0.0.2",
        "become": True,
        "password": True,
        "policy": {"max_hosts": 3},
        "protected": "Holds the ledger",
        "pythons": PYTHONS,
        "socket": socket_of("10.0.0.2"),
    }
    assert heard[0].pop("secret_values") == ["hunter2"]  # for the recorder's ears only
    assert "hunter2" not in json.dumps(heard)


@pytest.mark.parametrize(
    ("variables", "facts"),
    [
        ("ansible_python_interpreter: /usr/bin/python3", {"python": "/usr/bin/python3"}),
        ("ansible_python_interpreter: auto_silent", {"python": "auto_silent", "pythons": PYTHONS}),
        ("ansible_interpreter_python_fallback: [/opt/python]", {"pythons": ["/opt/python"]}),
    ],
)
def test_where_no_interpreter_is_named_the_inventory_tells_those_that_ansible_looks_for(
    plugin_at, tmp_path, variables, facts
):
    playbook = playbook_of(tmp_path, "- hosts: all\n", f"all:\n  hosts:\n    db1:\n      {variables}\n")

    with plugin_at() as (plugin, heard):
        plugin.v2_playbook_on_start(playbook)

    assert heard[0]["connection_facts"]["db1"] == facts | {"socket": socket_of("db1")}


def test_every_callback_says_what_happened_where_and_to_which_task(plugin_at):
    with plugin_at() as (plugin, heard):
        plugin.v2_runner_on_start(named("db1"), named(TASK))
        plugin.v2_runner_on_ok(result(rc=0))
        plugin.v2_runner_on_failed(result(rc=1), ignore_errors=True)
        plugin.v2_runner_on_unreachable(result(unreachable=True))
        plugin.v2_runner_on_skipped(result(skipped=True))
        plugin.v2_runner_retry(result(attempts=1))
        plugin.v2_playbook_on_stats(None)

    about = {"host": "db1", "task": TASK}
    assert heard == [
        {"kind": "start", **about, "attempt": os.environ[report.ATTEMPT]},
        {"kind": "ok", **about, "result": {"rc": 0}},
        {"kind": "failed", **about, "result": {"rc": 1}, "ignored": True},
        {"kind": "unreachable", **about, "result": {"unreachable": True}},
        {"kind": "skipped", **about, "result": {"skipped": True}},
        {"kind": "retry", **about, "result": {"attempts": 1}},
        {"kind": "end", "commands": {}, "engine": {"name": "stock"}},
    ]


@pytest.mark.parametrize(
    ("ends", "answer", "may_go_on"),
    [
        ("ok", {"rc": 0}, False),
        ("failed", {"rc": 1, "msg": "non-zero return code"}, False),
        ("skipped", {"skipped": True}, False),
        ("failed", {"rc": -9, "module_stdout": "", "msg": "MODULE FAILURE"}, True),
        ("ok", {"rc": 137, "module_stdout": "", "msg": "its exit code is judged by a verification"}, True),
        ("failed", {"msg": "Timed out after 1 second(s).", "timedout": {"frame": "", "period": 1}}, True),
        ("unreachable", {"msg": "Shared connection to db1 closed."}, True),
        ("unreachable", {"msg": "Failed to connect: ssh: connect to host db1 port 22: Connection refused"}, False),
        ("unreachable", {"msg": "Failed to connect: alice@db1: Permission denied (publickey)."}, False),
        ("retry", {"attempts": 1}, True),
    ],
)
def test_what_may_still_go_on_is_noted_for_the_supervisor(plugin_at, tmp_path, ends, answer, may_go_on):
    with plugin_at() as (plugin, _):
        plugin.v2_runner_on_start(named("db1"), named(TASK))
        getattr(plugin, f"v2_runner_{'' if ends == 'retry' else 'on_'}{ends}")(result(**answer))

    assert unfinished(tmp_path) == ({"db1": [os.environ[report.ATTEMPT]]} if may_go_on else {})


@pytest.mark.parametrize(
    ("part", "is_attempt"),
    [("action", True), ("attempt/2", True), ("verify/1/probe", False), ("retry/1", False), ("guard", False)],
)
def test_each_attempt_at_a_step_has_a_marker_of_its_own_and_whatever_else_is_done_has_the_runs(
    plugin_at, tmp_path, part, is_attempt
):
    markers = []
    with plugin_at() as (plugin, _):
        for _ in range(2):
            plugin.v2_runner_on_start(named("db1"), named(f"RUN-001/look/{part} | Look"))
            markers.append(os.environ[report.ATTEMPT])

    if is_attempt:
        assert [re.fullmatch(f"{RUN_ID}/look/[0-9a-f]{{12}}", marker) is not None for marker in markers] == [True] * 2
        assert len(set(markers)) == 2
    else:
        assert markers == [RUN_ID] * 2
    assert unfinished(tmp_path) == {"db1": markers[1:] if is_attempt else []}


PLAY = """
- hosts: db1
  gather_facts: false
  tasks:
    - name: RUN-001/act/action | Act
      ansible.builtin.command: {argv: [act], stdin: "{{ key }} {{ word }}"}
"""


def test_a_secret_takes_the_place_of_its_reference_and_commands_are_shown_with_the_latter(
    plugin_at, tmp_path, monkeypatch
):
    for name in ("RUNBOOK_RENDER", "RUNBOOK_RENDER_NEXT"):
        monkeypatch.setenv(name, "act")
    monkeypatch.setenv("RUNBOOK_NAMES", "yes")
    playbook = playbook_of(tmp_path, PLAY, INVENTORY)
    manager = playbook.get_plays()[0].get_variable_manager()
    manager.extra_vars.update({"key": "env:KEY", "word": "x"})
    secret = "{{ lookup('pipe', 'id') }}"

    with plugin_at(lambda message: {"secrets": {"key": secret}} if message["kind"] == "inventory" else None) as (
        plugin,
        heard,
    ):
        plugin.v2_playbook_on_start(playbook)
        plugin.v2_playbook_on_stats(None)

    shown = {"act": {"db1": {"module": "ansible.builtin.command", "args": {"argv": ["act"], "stdin": "env:KEY x"}}}}
    assert [message["commands"] for message in heard] == [shown, shown]
    assert heard[0]["names"] == ["db1", "db2", "app1"]
    templar = Templar(loader=DataLoader(), variables=manager.get_vars())
    assert templar.template(trust_as_template("{{ key }}")) == secret
    manager.extra_vars.clear()


def test_at_the_end_it_is_known_what_a_step_does_on_hosts_of_which_the_last_play_has_none(
    plugin_at, tmp_path, monkeypatch
):
    for name in ("RUNBOOK_RENDER", "RUNBOOK_RENDER_NEXT"):
        monkeypatch.setenv(name, "act")
    playbook = playbook_of(tmp_path, PLAY, INVENTORY)
    manager = playbook.get_plays()[0].get_variable_manager()
    manager.extra_vars["key"] = "env:KEY"

    with plugin_at() as (plugin, heard):
        plugin.v2_playbook_on_start(playbook)
        # As Ansible does in each play, and takes it back in the next.
        manager._inventory.restrict_to_hosts([manager._inventory.get_host("app1")])
        manager.set_nonpersistent_facts("db1", {"word": "found"})
        plugin.v2_playbook_on_stats(None)

    begin, end = (message["commands"]["act"]["db1"] for message in heard)
    assert begin["missing"] == ["'word' is undefined"]
    assert (end["args"]["stdin"], "missing" in end) == ("env:KEY found", False)
    manager.extra_vars.clear()


ODD = "db;{{ 1 }} {1}"
"""A name of a host that would be several, or another one, in the file of an inventory, or as the name of a file."""


def test_each_host_has_what_was_captured_on_it_before_what_its_inventory_says(plugin_at, tmp_path):
    playbook = playbook_of(tmp_path, PLAY, INVENTORY)
    play = playbook.get_plays()[0]
    manager = play.get_variable_manager()
    for name in ("db1", "db2", ODD):
        manager._inventory._inventory.add_host(name)
    manager._inventory._inventory.set_variable("db1", "texts", "of the inventory")
    kept = {"texts": [*WORDS], "rows": [{"{{ 1 }}": "{{ 2 }}", "__ansible_vault": "x"}], "none": None, "yes": True}
    captured = {"db1": kept, ODD: {"texts": "1.10"}, "gone": {"texts": "x"}}

    with plugin_at(captured=captured) as (plugin, _):
        plugin.v2_playbook_on_start(playbook)

    def known(host, template):
        variables = manager.get_vars(play=play, host=manager._inventory.get_host(host))
        return Templar(loader=DataLoader(), variables=variables).template(trust_as_template(template))

    assert {name: known("db1", f"{{{{ {name} }}}}") for name in kept} == kept
    assert known(ODD, "{{ texts }}") == "1.10"
    assert known("db2", "{{ texts | default('nothing') }}") == "nothing"
    assert manager._inventory.get_host("gone") is None


def test_a_secret_that_no_input_waits_for_ends_ansible(plugin_at, tmp_path, ended):
    playbook = playbook_of(tmp_path, "- hosts: db1\n", INVENTORY)

    with plugin_at(lambda _: {"secrets": {"key": "hunter2"}}) as (plugin, _), pytest.raises(EndedError):
        plugin.v2_playbook_on_start(playbook)

    assert ended == [report.BROKEN]


def test_a_word_that_is_refused_ends_ansible(plugin_at, ended):
    def refuse(_):
        raise AuditError("the disk is full")

    with plugin_at(refuse) as (plugin, _), pytest.raises(EndedError):
        plugin.v2_runner_on_start(named("db1"), named(TASK))

    assert ended[0] == REFUSED


def test_what_no_host_has_a_part_in_goes_on_and_the_next_host_waits_for_all_that_was_told(plugin_at, ended):
    waiting, may_record = threading.Event(), threading.Event()

    def record(message):
        if message["kind"] == "ok":
            waiting.set()
            assert may_record.wait(PATIENCE)
            raise AuditError("the disk is full")

    with plugin_at(record) as (plugin, heard):
        plugin.v2_runner_on_ok(result(rc=0))
        plugin.v2_runner_on_start(named("db1"), named("RUN-001/look/verify/1 | It is there", "ansible.builtin.assert"))
        assert waiting.wait(PATIENCE)
        assert [message["kind"] for message in heard] == ["ok"]
        may_record.set()
        with pytest.raises(EndedError):
            plugin.v2_runner_on_start(named("db2"), named(TASK))

    assert ended[0] == REFUSED


def test_a_command_that_is_gone_ends_ansible(plugin_at, ended):
    with plugin_at() as (plugin, _):
        plugin._reports._socket.shutdown(socket.SHUT_RDWR)
        with pytest.raises(EndedError):
            plugin.v2_runner_on_start(named("db1"), named(TASK))

    assert ended[0] == REFUSED


@pytest.mark.parametrize(
    "call", [lambda plugin: plugin.v2_runner_on_ok(None), lambda plugin: plugin.v2_playbook_on_start(None)]
)
def test_a_fault_of_its_own_ends_ansible_as_that_would_go_on_unreported(plugin_at, ended, capfd, call):
    with plugin_at() as (plugin, heard), pytest.raises(EndedError):
        call(plugin)

    assert (ended, heard) == ([report.BROKEN], [])
    assert "AttributeError" in capfd.readouterr().err


def test_without_a_socket_it_does_not_load(monkeypatch):
    monkeypatch.delenv("RUNBOOK_REPORT_SOCKET", raising=False)

    with pytest.raises(KeyError):
        report.CallbackModule()


DELEGATING = """
- hosts: app
  gather_facts: false
  tasks:
    - name: RUN-001/drain | Drain
      vars: {step_host: "{{ inventory_hostname }}"}
      delegate_to: "{{ groups['db'] | default(['db']) | join(',') }}"
      block:
        - name: RUN-001/drain/action | Drain
          ansible.builtin.command: {argv: [drain, "{{ step_host }}"]}
"""
ONE_BALANCER = """
all:
  vars: {runbook_environment: lab}
  children:
    db: {hosts: {db1: {runbook_environment: staging, ansible_host: 10.0.0.9, ansible_become: true, ansible_user: ops}}}
    app: {hosts: {app1: {}}}
"""


def test_who_works_for_others_is_named_with_all_that_is_said_of_a_host(plugin_at, tmp_path, monkeypatch):
    monkeypatch.setenv("RUNBOOK_ON", "db,app1,localhost,nobody")
    playbook = playbook_of(tmp_path, DELEGATING, ONE_BALANCER)

    with plugin_at() as (plugin, heard):
        plugin.v2_playbook_on_start(playbook)

    assert heard[0]["delegates"] == {"db": ["db1"], "app1": ["app1"], "localhost": ["localhost"], "nobody": []}
    assert heard[0]["environments"] == {"app1": "lab", "db1": "staging"}
    assert heard[0]["machines"] == {"app1": "app1:22", "db1": "10.0.0.9:22", "localhost": "localhost"}
    assert (heard[0]["connection_facts"]["localhost"]["connection"], heard[0]["idle"]) == ("local", [])
    assert heard[0]["inventory_hosts"] == 3


def test_what_is_done_elsewhere_is_said_and_noted_there(plugin_at, tmp_path, monkeypatch):
    monkeypatch.setenv("RUNBOOK_ON", "db")
    playbook = playbook_of(tmp_path, DELEGATING, ONE_BALANCER)
    play = playbook.get_plays()[0]
    task = play.tasks[0].block[0]
    host = play.get_variable_manager()._inventory.get_host("app1")

    with plugin_at() as (plugin, heard):
        plugin.v2_playbook_on_start(playbook)
        plugin.v2_playbook_on_play_start(play)
        plugin.v2_runner_on_start(host, task)

    started, does = heard[1], heard[1]["does"]
    assert (started["host"], started["on"], unfinished(tmp_path)) == ("app1", "db1", {"db1": [started["attempt"]]})
    assert (does["args"]["argv"], does["delegate_to"]) == (["drain", "app1"], "db1")
    assert does["become"] == {"user": "root", "method": "sudo"}
    assert "connection_settings" not in does  # which nobody reads of a task that begins
