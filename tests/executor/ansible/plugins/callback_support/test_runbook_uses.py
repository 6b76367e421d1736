"""What a verification looks at is known by its value, by whatever way it reaches that; what nobody can follow as well."""

from __future__ import annotations

import json
import re

import pytest

EARLIER = {"db2": {"port": 5432, "ansible_user": "root"}, "db3": {"port": 5433}}
LATER = {"db2": {"port": 5432, "ansible_user": "root"}, "db3": {"port": 6543}}


def play(that, **keywords):
    """A step that does nothing, and the verification that these conditions hold."""
    names = {"act/action": ["1 == 1"], "act/verify/1": that}
    tasks = [
        {"name": f"RUN-001/{name} | Act", "ansible.builtin.assert": {"that": conditions}, **keywords}
        for name, conditions in names.items()
    ]
    return json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}])


FOLLOWED = {
    "a name": ("limit > 3", {"limit": 5}),
    "another host": ("hostvars['db2'].port == 1", {"hostvars['db2'].port": 5432}),
    "another host, by a name": (
        "hostvars[primary]['port'] == 1",
        {"hostvars[primary]['port']": 5432, "primary": "db2"},
    ),
    "what is not set there": ("hostvars['db2'].size | default(3) > 2", {"hostvars['db2'].size": "not set"}),
    "a variable by its name": ("vars['limit'] == 1", {"vars['limit']": 5}),
    "a look-up of a variable": ("lookup('vars', which) == 1", {"lookup('vars', which)": 5, "which": "limit"}),
    "a group": ("groups['all'] | length > 1", {"groups['all']": ["db1", "db2", "db3"]}),
    "a secret": ("vars['api_token'] != ''", {"vars['api_token']": "(set, not shown)"}),
    "what needs a result": ("size > 3", {"size": "{{ limit + result.rc }}", "limit": 5}),
    "our own clock": ("lookup('ansible.builtin.file', '/proc/uptime', errors='ignore') != ''", {}),
}
VARIABLES = {"limit": 5, "primary": "db2", "which": "limit", "api_token": "plain", "size": "{{ limit + result.rc }}"}


@pytest.mark.parametrize("case", FOLLOWED)
def test_what_is_looked_at_is_told_as_it_is_written(shown, case):
    that, found = FOLLOWED[case]

    assert shown(play=play([that]), others=EARLIER, **VARIABLES).get("uses", {}) == found


UNFOLLOWED = {
    "by a result": "hostvars[result.stdout].port == 1",
    "by a result that may not be there": "hostvars[result.stdout | default('db1')].port == 1",
    "by a filter": "groups['all'] | map('extract', hostvars, 'port') | sum > 1",
    "all that a host has": "'port' in hostvars['db3']",
    "a value of any name": "hostvars['db3'].get(result.stdout) == 1",
    "in a loop": "{% for each in groups['all'] %}{{ hostvars[each].port }}{% endfor %}",
    "by a local name": "{% set limit = 'db3' %}{{ hostvars[limit].port }}",
}


@pytest.mark.parametrize("case", UNFOLLOWED)
def test_where_nobody_knows_yet_which_host_is_looked_at_every_host_is(shown, case):
    told = [shown(play=play([UNFOLLOWED[case]]), others=others, **VARIABLES) for others in (EARLIER, EARLIER, LATER)]

    digests = [each["uses"]["hostvars"] for each in told]
    assert re.fullmatch(r"as it is by now \([0-9a-f]{12}\)", digests[0])
    assert [digest == digests[0] for digest in digests] == [True, True, False]


def test_where_nobody_knows_yet_which_variable_is_looked_at_every_variable_is(shown):
    for that in ("vars[result.stdout] == 1", "lookup('vars', result.stdout) == 1"):
        told = [shown(play=play([that]), **{**VARIABLES, "limit": limit})["uses"]["vars"] for limit in (5, 5, 6)]
        assert [each == told[0] for each in told] == [True, True, False]


def test_a_file_is_known_by_its_content_and_one_that_nobody_knows_yet_cannot_be_approved(shown, tmp_path):
    (tmp_path / "limit").write_text("5")
    that = f"lookup('file', '{tmp_path}/limit') | int > 3"
    first = shown(play=play([that]))["uses"]
    (tmp_path / "limit").write_text("6")

    assert list(first) == [f"lookup('file', '{tmp_path}/limit')"]
    assert shown(play=play([that]))["uses"] != first
    assert shown(play=play(["lookup('file', result.stdout) == 'a'"]))["unfollowed"] == [
        "nobody knows yet what lookup('file', result.stdout) looks at"
    ]
    assert shown(play=play([f"'{tmp_path}/limit' is exists"]))["uses"] == {f"('{tmp_path}/limit' is exists())": True}


def test_the_machine_that_looks_is_told_with_its_settings_and_its_tools(shown):
    looks = {"delegate_to": "db2", "vars": {"runbook_python": "{{ hostvars['db2'].port }}"}}
    tasks = [
        {"name": "RUN-001/act/action | Act", "ansible.builtin.command": {"argv": ["true"]}},
        {"name": "RUN-001/act/verify/1/probe | It is", "ansible.builtin.command": "{{ runbook_python }}", **looks},
    ]
    text = json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}])
    told = shown(play=text, others=EARLIER, runbook_python="/usr/bin/python3")

    assert told["uses"] == {"runbook_python of db2": 5432}
    assert told["looks_from"] == {"db2": {"ansible_user": "root"}}


def test_what_is_looked_up_for_each_item_of_a_loop_counts_for_all_of_them(shown, tmp_path):
    found = []
    for first, second in [("1", "2"), ("1", "2"), ("3", "2"), ("1", "3")]:
        (tmp_path / "first").write_text(first)
        (tmp_path / "second").write_text(second)
        loop = {"loop": [str(tmp_path / "first"), str(tmp_path / "second")]}
        tasks = [{"name": "Each", "ansible.builtin.debug": {"msg": "{{ lookup('file', item) }}"}, **loop}]
        (tmp_path / "tasks.yml").write_text(json.dumps(tasks))
        imported = {"name": "RUN-001/act/tasks | Act", "ansible.builtin.import_tasks": {"file": "tasks.yml"}}
        done = {"name": "RUN-001/act/action | Act", "ansible.builtin.assert": {"that": ["1 == 1"]}}
        found.append(shown(play=json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [imported, done]}])))

    assert [list(each["uses"]) for each in found] == [["lookup('file', item)"]] * 4
    assert [each["uses"] == found[0]["uses"] for each in found] == [True, True, False, False]
