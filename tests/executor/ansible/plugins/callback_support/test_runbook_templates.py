"""A file whose templates are filled in is known by what they look at, by whatever marks, also in what it includes."""

from __future__ import annotations

import json

import pytest

TEXTS = {
    "a name": ("{{ limit }}", {}, {"limit": 5}),
    "another host": ("{{ hostvars['db2'].port }}", {}, {"hostvars['db2'].port": 5432}),
    "a look-up": ("{{ lookup('vars', 'limit') }}", {}, {"lookup('vars', 'limit')": 5}),
    "other marks": (
        "{{ other }} [[ limit ]]",
        {"variable_start_string": "[[", "variable_end_string": "]]"},
        {"limit": 5},
    ),
    "a file that it includes": ("{% include 'more.j2' %}", {}, {"limit": 5}),
}


def told(shown, tmp_path, text, limit=5, **args):
    (tmp_path / "file.j2").write_text(text)
    (tmp_path / "more.j2").write_text("{{ limit }}")
    call = {"ansible.builtin.template": {"src": str(tmp_path / "file.j2"), "dest": "/etc/motd", **args}}
    play = [{"hosts": "all", "gather_facts": False, "tasks": [{"name": "RUN-001/act/action | Act", **call}]}]
    return shown(play=json.dumps(play), others={"db2": {"port": 5432}}, limit=limit)


@pytest.mark.parametrize("case", TEXTS)
def test_what_a_template_looks_at_is_told(shown, tmp_path, case):
    text, args, uses = TEXTS[case]

    assert told(shown, tmp_path, text, **args)["uses"] == uses


@pytest.mark.parametrize("text", ["{% include other %}", "#jinja2: variable_start_string:'[['\n[[ limit ]]"])
def test_where_nobody_knows_what_a_template_looks_at_it_is_everything(shown, tmp_path, text):
    found = [told(shown, tmp_path, text, limit)["uses"] for limit in (5, 5, 6)]

    assert [{"hostvars", "vars"} <= each.keys() for each in found] == [True] * 3
    assert [each == found[0] for each in found] == [True, True, False]


def test_a_file_that_is_included_is_known_by_its_content(shown, tmp_path):
    files = told(shown, tmp_path, "{% include 'more.j2' %}")["files"]

    assert list(files) == [str(tmp_path / "file.j2"), "more.j2"]
