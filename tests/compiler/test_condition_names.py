"""Which of a result's names a condition really uses."""

from __future__ import annotations

import pytest

from runner.compiler.condition_names import bindings, names_in

NAMES = {"rows": "{{ probe.stdout | from_json }}", "row": "{{ rows | first }}", "rc": "{{ probe.rc }}"}


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("plain", set()),
        ("{{ a }}", {"a"}),
        ("{{ a.b['c'] | default(d) }}", {"a", "d"}),
        ("{{ rows | selectattr('a', 'eq', b) | list }}", {"rows", "b"}),
        ("{{ 'a' is search('b') }}", set()),
    ],
)
def test_the_variables_that_a_template_reads(template, names):
    assert names_in(template) == names


@pytest.mark.parametrize(
    ("conditions", "used"),
    [
        ([], []),
        (["word == 'row'"], []),
        (["rc == 0"], ["rc"]),
        (["row.a == 1"], ["rows", "row"]),
        (["rc == 0", "rows | length"], ["rows", "rc"]),
    ],
)
def test_what_is_needed_and_what_that_needs_in_turn(conditions, used):
    assert bindings(conditions, NAMES) == {name: NAMES[name] for name in used}
    assert list(bindings(conditions, NAMES)) == used
