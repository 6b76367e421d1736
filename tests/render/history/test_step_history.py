"""The samples of a verification are numbers where each of them is about one."""

from __future__ import annotations

import pytest

from runner.render.history.step_history import ItemNames, numbers


@pytest.mark.parametrize(
    ("samples", "values"),
    [
        (['{"percent": 98}', '{"percent": 91.5}', "-3 of 7"], [98.0, 91.5, -3.0]),
        (["98", "nobody answered"], []),
        ([], []),
    ],
)
def test_samples_as_numbers(samples, values):
    assert numbers(samples) == values


def test_an_item_is_called_by_its_number_and_by_what_it_is_on_each_host():
    names = ItemNames()
    assert names.of("move[2]") == " [2]"
    names.add("move", "a", {"items": ["one", {"pid": 7}]})
    names.add("move", "b", {"items": ["two"]})
    assert [names.of(name) for name in ("move", "move[1]", "move[2]", "undo-move[2]", "move[3]")] == [
        "",
        " [1]: one, two",
        " [2]: (pid=7)",
        " [2]: (pid=7)",
        " [3]",
    ]
    names.add("long", "a", {"items": ["x" * 200]})
    assert names.of("long[1]") == f" [1]: {'x' * 120}..."
