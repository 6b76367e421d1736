"""Each callback is one message, waited for; without a yes, and on any fault of its own, the plugin ends Ansible."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template
from ansible.vars.manager import VariableManager
from hypothesis import given, settings
from hypothesis import strategies as st

import runner
from runner.errors import AuditError
from runner.execution.callback_socket import CallbackSocket

_PATH = Path(runner.__file__).parent / "execution" / "plugins" / "callback" / "runbook_report.py"
_SPEC = importlib.util.spec_from_file_location("runbook_report_plugin", _PATH)
report = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(report)

TASK = "RUN-001/look/action | Look"


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
    def connected(handle=lambda _: None):
        heard = []

        def hear(message):
            heard.append(message)
            return handle(message)

        path = tmp_path / "report"
        monkeypatch.setenv("RUNBOOK_REPORT_SOCKET", str(path))
        with CallbackSocket(path, hear):
            plugin = report.CallbackModule()
            try:
                yield plugin, heard
            finally:
                with contextlib.suppress(OSError):  # what it could not say is still to be said
                    plugin._stream.close()
                plugin._socket.close()

    return connected


def named(name):
    return SimpleNamespace(get_name=lambda: name)


def result(**answer):
    return SimpleNamespace(host=named("db1"), task=named(TASK), result=answer)


@functools.cache
def _plugins():
    init_plugin_loader([])  # which warns when it is done twice in one process


def playbook_of(directory, playbook, inventory):
    _plugins()
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


def test_hello_names_the_hosts_of_every_play_and_the_class_of_each_host(plugin_at, tmp_path):
    playbook = playbook_of(tmp_path, "- hosts: db\n- hosts: [app, db1]\n- hosts: nobody\n", INVENTORY)

    with plugin_at() as (plugin, heard):
        plugin.v2_playbook_on_start(playbook)

    assert heard == [
        {
            "kind": "hello",
            "pid": os.getpid(),
            "plays": [
                {"pattern": "db", "hosts": ["db1", "db2"]},
                {"pattern": "app:db1", "hosts": ["app1", "db1"]},
                {"pattern": "nobody", "hosts": []},
            ],
            "environments": {"db1": "staging", "db2": "production", "app1": "local"},
            "machines": {"db1": "db1:22", "db2": "10.0.0.2:2222", "app1": "app1"},
            "inventory_hosts": 3,
            "commands": {},
        }
    ]


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
        {"kind": "start", **about},
        {"kind": "ok", **about, "result": {"rc": 0}},
        {"kind": "failed", **about, "result": {"rc": 1}, "ignored": True},
        {"kind": "unreachable", **about, "result": {"unreachable": True}},
        {"kind": "skipped", **about, "result": {"skipped": True}},
        {"kind": "retry", **about, "result": {"attempts": 1}},
        {"kind": "end", "commands": {}},
    ]


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
    monkeypatch.setenv("RUNBOOK_RENDER", "act")
    monkeypatch.setenv("RUNBOOK_NAMES", "yes")
    playbook = playbook_of(tmp_path, PLAY, INVENTORY)
    manager = playbook.get_plays()[0].get_variable_manager()
    manager.extra_vars.update({"key": "env:KEY", "word": "x"})
    secret = "{{ lookup('pipe', 'id') }}"

    with plugin_at(lambda message: {"secrets": {"key": secret}} if message["kind"] == "hello" else None) as (
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

    assert ended[0] == report.REFUSED


def test_a_command_that_is_gone_ends_ansible(plugin_at, ended):
    with plugin_at() as (plugin, _):
        plugin._socket.shutdown(socket.SHUT_RDWR)
        with pytest.raises(EndedError):
            plugin.v2_runner_on_start(named("db1"), named(TASK))

    assert ended[0] == report.REFUSED


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


def test_what_is_ansibles_own_business_is_left_out():
    answer = {
        "rc": 0,
        "_ansible_no_log": False,
        "invocation": {"module_args": {"password": "secret"}},
        "stdout": "a\nb",
        "stdout_lines": ["a", "b"],
        "stderr_lines": [],
        "diff": {"before": "x"},
    }

    assert report._public(answer) == {"rc": 0, "stdout": "a\nb"}


def test_of_a_loop_the_last_sample_is_told_and_how_many_there_were():
    samples = [{"rc": 1, "_ansible_item_label": 0}, {"rc": 2, "_ansible_item_label": 1, "invocation": {}}]

    assert report._public({"results": samples, "msg": "done"}) == {"results": [{"rc": 2}], "samples": 2, "msg": "done"}


def test_a_long_text_keeps_its_head_and_tail():
    half = report.LONGEST // 2

    told = report._public({"stdout": "a" * half + "b" * 1000 + "c" * half, "deep": [{"text": "x" * 1_000_000}]})

    assert told["stdout"] == f"{'a' * half}\n[... 1000 characters left out ...]\n{'c' * half}"
    assert len(told["deep"][0]["text"]) < report.LONGEST + 64


@pytest.mark.parametrize("key", ["content", "msg", "stdout"])
def test_an_answer_that_is_too_large_as_a_whole_says_that_it_is_cut(key):
    told = report._public({"rc": 0, "changed": True, key: ["x" * 1000] * 5000})

    assert {**told, key: None} == {"rc": 0, "changed": True, "truncated": True, key: None}
    assert len(json.dumps(told)) < report.WHOLE


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.binary()
    | st.sampled_from(["😀" * 200_000, "x" * 300_000]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["rc", "msg", "stdout", "stderr", "results", "ansible_facts", "_ansible_x"]) | st.text()


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_whatever_a_host_answers_it_is_one_line_that_the_socket_takes(answer):
    line = json.dumps(report._public(answer), default=str)

    assert len(line.splitlines()) == 1
    assert len(line) < 8 * 1024 * 1024
