"""What the items of a step are called: by their number, and by what they are."""

from __future__ import annotations

from runner.render.history.item_names import ItemNames


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
