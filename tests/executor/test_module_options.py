"""What a module takes is what Ansible itself says: of its own modules, and of a collection that is installed."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import ansible
import pytest
import yaml

from runner.executor.module_options import Module, ModuleDocumentation, modules, wrong_arguments

PUSH = """
DOCUMENTATION = '''
module: push
short_description: Push
description: [Pushes.]
author: [nobody]
options:
  where: {description: The place, type: str, required: true, aliases: [to]}
  how: {description: The way, type: str, choices: [slow, fast]}
  parts:
    description: The parts
    type: list
    elements: dict
    suboptions: {name: {description: Its name, type: str}}
'''
"""


@pytest.fixture
def collection(tmp_path, monkeypatch):
    plugins = tmp_path / "ansible_collections" / "acme" / "tools" / "plugins"
    files = {"modules/push.py": PUSH, "modules/silent.py": "", "action/here.py": ""}
    for name, text in files.items():
        (plugins / name).parent.mkdir(parents=True, exist_ok=True)
        (plugins / name).write_text(text)
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", str(tmp_path))


def wrong(module, **given):
    return [tuple(each) for each in wrong_arguments(modules([module])[module].options, given)]


def test_a_misspelt_argument_of_ansibles_own_and_what_was_meant():
    assert wrong("ansible.builtin.copy", src="/a", dset="/b") == [
        (("dset",), "has no argument 'dset'", "did you mean 'dest'?")
    ]
    assert wrong("ansible.builtin.copy", src="/a") == [((), "needs the argument 'dest'", "")]
    assert wrong("ansible.builtin.copy", src="/a", dest="/b", mode="0644", owner="root", remote_src=True) == []


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"port": 80, "sleep": "2"}, []),
        ({"port": "{{ port }}"}, []),
        ({"port": "http"}, [(("port",), "takes a whole number as port, not 'http'", "")]),
        ({"timeout": "5m"}, [(("timeout",), "takes a whole number as timeout, not '5m'", "")]),
    ],
)
def test_a_number_is_one(given, found):
    assert wrong("ansible.builtin.wait_for", **given) == found


@pytest.mark.parametrize("value", [True, "yes", "no", "on", 1, 0, "False"])
def test_what_ansible_takes_for_true_or_false(value):
    assert wrong("ansible.builtin.service", name="nginx", enabled=value) == []


def test_what_it_does_not():
    found = wrong("ansible.builtin.service", name="nginx", enabled="maybe")
    assert found == [(("enabled",), "takes true or false as enabled, not 'maybe'", "")]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"to": "a", "how": "fast"}, []),
        ({"where": "a", "how": "{{ how }}"}, []),
        ({"where": "a", "how": "fats"}, [(("how",), "has no choice 'fats' for how", "did you mean 'fast'?")]),
        ({"where": "a", "parts": [{"name": "b"}]}, []),
        (
            {"where": "a", "parts": [{"name": "b"}, {"nmae": "b"}]},
            [(("parts", 1, "nmae"), "has no argument 'nmae' in parts", "did you mean 'name'?")],
        ),
        ({"xxxxxxxx": 1, "to": 1}, [(("xxxxxxxx",), "has no argument 'xxxxxxxx'", "it takes how, parts, where")]),
    ],
)
def test_those_of_a_collection_that_is_installed(collection, given, found):
    assert wrong("acme.tools.push", **given) == found


def test_what_is_not_there_is_missing_and_what_does_not_tell_its_options_may_take_any(collection):
    found = modules(["acme.tools.pull", "acme.tools.silent", "acme.tools.here"])

    assert found.pop("acme.tools.pull").missing
    assert found == {"acme.tools.silent": Module(), "acme.tools.here": Module()}


def test_no_example_in_the_documentation_of_ansibles_own_modules_is_found_wrong():
    examples = dict(_examples())
    known = modules(examples)

    wrong = {
        name: found
        for name, calls in examples.items()
        for call in calls
        if (found := list(wrong_arguments(known[name].options or {}, call)))
    }

    assert sum(map(len, examples.values())) > 300
    assert wrong == {}


def _examples():
    for path in sorted((Path(ansible.__file__).parent / "modules").glob("[a-z]*.py")):
        name = f"ansible.builtin.{path.stem}"
        module = ast.parse(path.read_text(encoding="utf-8"))
        texts = [ast.literal_eval(node.value) for node in module.body if _assigns(node, "EXAMPLES")]
        tasks = [task for text in texts for task in yaml.safe_load(text) or []]
        calls = [task[name] for task in tasks if isinstance(task.get(name), dict)]
        if calls and path.stem != "add_host":  # which takes any variable, and is none for a step
            yield name, calls


def _assigns(node, name):
    return isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name


def test_ansible_is_asked_once_for_a_module(tmp_path):
    python = tmp_path / "python"
    python.write_text(f"""#!/bin/sh\necho asked >>{tmp_path}/asked\nexec {sys.executable} "$@"\n""")
    python.chmod(0o755)
    documentation = ModuleDocumentation(str(python))

    first, second = (documentation.modules(["ansible.builtin.ping"]) for _ in range(2))

    assert (first, (tmp_path / "asked").read_text()) == (second, "asked\n")
    assert first["ansible.builtin.ping"].options


def test_where_ansible_does_not_answer_nothing_is_known():
    assert ModuleDocumentation("/bin/false").modules(["ansible.builtin.copy"]) == {}
