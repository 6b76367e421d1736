"""What is kept is what Ansible would find out again, and what may come to something else is asked for each time."""

from __future__ import annotations

import os

import pytest
import runbook_kept
from ansible._internal._templating._engine import TemplateEngine
from ansible._internal._templating._utils import Omit
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.base import FieldAttributeBase
from ansible.playbook.block import Block
from ansible.playbook.handler import Handler
from ansible.playbook.play import Play
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins import loader
from ansible.template import Templar, trust_as_template
from ansible.vars.clean import clean_facts
from harness.ansible_loader import plugin_loader
from runbook_kept import Modules, Plugins, cleaned, copied, post_validate, task_environment

from runner.compiler.compiler import FOUND_BY


@pytest.fixture(autouse=True)
def _plugins():
    plugin_loader()


@pytest.fixture
def asked(monkeypatch):
    """The names that Ansible's own code is asked for."""
    names, real = [], loader.PluginLoader.find_plugin_with_context
    note = lambda self, name, *others: names.append(name) or real(self, name, *others)  # noqa: E731
    monkeypatch.setattr(loader.PluginLoader, "find_plugin_with_context", note)
    Plugins().take_place()
    return names


def found(plugins, name):
    """Where it is, or why it is nowhere."""
    context = plugins.find_plugin_with_context(name)
    return context.resolved, context.plugin_resolved_path, context.action_plugin, context.exit_reason


NAMES = [
    "ansible.builtin.assert",
    "ansible.builtin.command",
    "ansible.builtin.no_such",
    "command",
    "ansible.legacy.command",
]


def test_a_plugin_of_ansibles_own_is_where_ansible_finds_it_and_is_looked_for_once(request):
    loaders = [loader.action_loader, loader.module_loader]
    without = [found(each, name) for each in loaders for name in NAMES]
    asked = request.getfixturevalue("asked")

    twice = [[found(each, name) for each in loaders for name in NAMES] for _ in range(2)]

    assert twice == [without, without]
    assert {name: asked.count(name) for name in NAMES} == dict(zip(NAMES, (2, 2, 4, 4, 4), strict=True))


@pytest.mark.parametrize("facts", [{}, {"ansible_ssh_host": "h", "ansible_become_user": "root", "kernel": "6"}])
def test_facts_are_cleaned_as_ansible_does(facts):
    assert cleaned(facts) == clean_facts(facts)


KEYS = [
    {"ansible.builtin.assert": {"that": ["true"]}},
    {"ansible.builtin.command": "true", "become": True, "no_log": "{{ true }}", "retries": 3, "delay": "{{ 1 + 1 }}"},
    {
        "ansible.builtin.command": {"argv": ["a", "{{ word }}"]},
        "changed_when": False,
        "environment": {"A": "{{ word }}"},
    },
    {
        "ansible.builtin.command": "true",
        "when": ["word == 'x'"],
        "tags": ["one"],
        "vars": {"a": "{{ word }}"},
        "port": "22",
    },
    {"ansible.builtin.command": "true", "ignore_errors": "nonsense"},
    {"ansible.builtin.command": "true", "retries": "many"},
    {
        "ansible.builtin.command": "true",
        "register": "r",
        "until": ["r.rc == 0"],
        "timeout": "{{ 5 }}",
        "become_user": "{{ word }}",
    },
    {"ansible.builtin.command": "true", "remote_user": "{{ omit }}", "become": "{{ omit }}", "no_log": 1},
]


@pytest.mark.parametrize("keys", KEYS, ids=str)
def test_a_task_is_finished_as_ansible_does(keys):
    def finished(finish):
        task = Task.load(_trusted(keys), block=Block(play=Play()), loader=DataLoader())
        task.squash()
        templar = TemplateEngine(variables={"word": "x", "omit": Omit})
        try:
            finish(task, templar)
        except AnsibleError as error:
            return type(error), str(error)
        attributes = task.dump_attrs()
        attributes["loop_control"].pop("uuid")
        return {name: (type(value), value) for name, value in attributes.items()}, task._finalized

    assert finished(post_validate) == finished(FieldAttributeBase.post_validate)


def state(base):
    """All that an object of Ansible's has, in words where it is an object itself."""
    return {
        name: (type(value), state(value) if hasattr(value, "fattributes") else value)
        for name, value in vars(base).items()
        if name not in ("_variable_manager", "_loader")
    }


def made_from(keys, how):
    """A task as one was made from `keys`, by itself, with all of its parents', or final."""
    task = Task.load(_trusted(keys), block=Block(play=Play()), loader=DataLoader())
    if how != "alone":
        task.squash()
    if how == "final":
        FieldAttributeBase.post_validate(task, TemplateEngine(variables={"word": "x", "omit": Omit}))
    return task


@pytest.mark.parametrize("how", ["alone", "squashed", "final"])
@pytest.mark.parametrize(
    "keys", [each for each in KEYS if "nonsense" not in str(each) and "many" not in str(each)], ids=str
)
def test_a_task_is_copied_as_ansible_does(keys, how):
    task = made_from({**keys, "async": 5, "poll": 1, "tags": ["a"]}, how)

    made, stock = copied(task), FieldAttributeBase.copy(task)

    assert state(made) == state(stock)
    shared = {
        name
        for name, value in vars(task).items()
        if isinstance(value, list | dict | set) and vars(made)[name] is value is not vars(stock)[name]
    }
    assert shared == set()  # nothing that can change


@pytest.mark.parametrize("make", [PlayContext, Block, Play, Handler])
def test_whatever_a_playbook_consists_of_is_copied_as_ansible_does(make):
    base = make()
    base.port, base.vars = 22, {"a": [1]}

    assert state(copied(base)) == state(FieldAttributeBase.copy(base))


def _trusted(value):
    if isinstance(value, dict):
        return {name: _trusted(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


class Action:
    """What an action plugin has that decides how a module starts."""

    def __init__(self, *, delegate="", become=None, discovers=False):
        self._task = type("Task", (), {"delegate_to": delegate})
        self._connection = type("Connection", (), {"transport": "ssh", "become": become})
        self._discovered_interpreter_key, self.made = ("discovered" if discovers else None), 0

    def _configure_module(self, *, module_name, module_args, task_vars):
        self.made += 1
        return module_name, task_vars.get("ansible_python_interpreter"), self.made


def given(interpreter, **facts):
    return {"ansible_python_interpreter": interpreter, "ansible_facts": facts}


@pytest.mark.parametrize(
    ("variables", "made"),
    [
        ([given("/usr/bin/python3"), given("/usr/bin/python3")], 1),
        ([given("/usr/bin/python3"), given("/opt/python")], 2),
        ([given("auto", discovered_interpreter_python="/a"), given("auto", discovered_interpreter_python="/b")], 2),
        ([given("{{ python }}"), given("{{ python }}")], 2),
        ([{}, {}], 2),
        ([given(None), given(None)], 2),
    ],
)
def test_a_module_is_made_again_where_another_python_may_be_meant(variables, made):
    modules, action = Modules(), Action()

    answers = [modules.configured(action, "command", {}, each) for each in variables]

    assert (len(set(answers)), action.made) == (made, made)


def test_a_module_for_which_a_python_was_just_found_is_not_kept():
    modules, action = Modules(), Action(discovers=True)

    answers = [modules.configured(action, "command", {}, given("auto")) for _ in range(2)]

    assert len(set(answers)) == 2


def test_the_python_of_another_host_is_that_of_the_host_on_which_the_task_is_done():
    modules, action = Modules(), Action(delegate="other")
    there = [{**given("/here"), "ansible_delegated_vars": {"other": given(path)}} for path in ("/a", "/b")]

    for each in there:
        modules.configured(action, "command", {}, each)

    assert action.made == 2


TEMPLATES = {name: trust_as_template(text) for name, text in FOUND_BY.items()}


@pytest.mark.parametrize(
    ("environment", "variables"),
    [
        ([TEMPLATES], {"runbook_run_id": "20260101T000000Z-0123abcd"}),
        ([TEMPLATES], {}),
        ([TEMPLATES], {"runbook_run_id": trust_as_template("{{ 'x' * 3 }}")}),
        ([TEMPLATES], {"runbook_run_id": 5}),
        ([TEMPLATES, {"A": trust_as_template("{{ 1 + 1 }}"), "RUNBOOK_RUN_ID": "mine"}], {"runbook_run_id": "r"}),
        ([{"RUNBOOK_RUN_ID": "mine"}, TEMPLATES], {"runbook_run_id": "r"}),
        ([TEMPLATES, trust_as_template("{{ more }}")], {"runbook_run_id": "r", "more": {"A": "b"}}),
        ([{"A": trust_as_template("{{ 'b' }}"), "C": ""}], {}),
        ([], {}),
    ],
)
def test_the_environment_of_a_task_is_the_one_that_ansible_makes(monkeypatch, environment, variables):
    monkeypatch.setitem(os.environ, "RUNBOOK_ATTEMPT", "r/look/0a1b")
    engine = TemplateEngine(variables=variables)
    answers = [
        make(Task(), "environment", environment, Templar._from_template_engine(engine))
        for make in (runbook_kept._post_validate, task_environment)
    ]

    assert answers[1] == answers[0]
