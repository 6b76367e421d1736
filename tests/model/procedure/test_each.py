"""`each` of a step as it is written: a template or the items, short or long, and what it cannot stand beside."""

from __future__ import annotations

import pytest
from harness.fakes import runbook_file

from runner.library.library import Library
from runner.model.procedure.each import Each
from runner.model.yaml.finding import InvalidFileError

STEP = {"id": "move", "name": "Move", "command": "mv {{ item }} /tmp", "verify": [{"exit": 0}]}


def step_of(tmp_path, **keys):
    source = Library(tmp_path).source(str(runbook_file(tmp_path, steps=[{**STEP, **keys}])))
    return source.runbook.steps[-1]


@pytest.mark.parametrize(
    ("written", "read", "words"),
    [
        ("{{ stuck }}", Each(of="{{ stuck }}"), "for each of stuck (at most 100 items)"),
        (["a", "b"], Each(of=("a", "b")), "for each of a, b (2 items)"),
        (
            {"of": "{{ rows | list }}", "limit": 1},
            Each(of="{{ rows | list }}", limit=1),
            "for each of rows | list (at most 1 item)",
        ),
    ],
)
def test_the_short_form_is_the_list(tmp_path, written, read, words):
    each = step_of(tmp_path, each=written).each
    assert (each, each.describe()) == (read, words)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"each": "stuck"}, 'is not one `{{ template }}`; write each: "{{ name }}" with the name of a captured list, or the list itself'),
        ({"each": []}, "is an empty list"),
        ({"each": {"of": ["a"], "limit": 1001}}, "must be less than or equal to 1000"),
        ({"each": "{{ item }}"}, "wrong-each: `item` is what each of them will be called"),
        ({"each": ["a"], "command": None, "manual": "Do it"}, "wrong-each: needs something that a machine does"),
        ({"each": ["a"], "capture": {"size": "rc"}, "verify": [{"that": "size == 0"}]}, "wrong-each: size is captured for each item"),
        ({"capture": {"item": "rc"}}, "'item' is what a step calls the item that it is done for"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_where_it_is_written(tmp_path, keys, said):
    step = {key: value for key, value in {**STEP, **keys}.items() if value is not None}
    with pytest.raises(InvalidFileError) as error:
        Library(tmp_path).source(str(runbook_file(tmp_path, steps=[step])))
    assert said in " ".join(f"{each.rule}: {each.message}" for each in error.value.findings)
