"""Boxes never cover each other, everything is within the drawing, and lines end at their boxes."""

from __future__ import annotations

import random
import re
from itertools import combinations

import pytest

from runner.render.site.drawing import HEIGHT, WIDTH, Box, Curve, Drawing, draw


def test_two_boxes_and_their_line():
    assert draw([["a"], ["b"]], [("a", "b")]) == Drawing(
        width=572,
        height=78,
        boxes=(Box("a", 16, 16.0), Box("b", 324, 16.0)),
        curves=(Curve("a", "b", "M248 39.0 C286 39.0 286 39.0 324 39.0", both=False),),
    )


def test_a_line_against_the_layers_ends_at_its_target():
    (curve,) = draw([["a"], ["b"]], [("b", "a")]).curves

    assert (curve.source, curve.target) == ("b", "a")
    assert curve.path == "M324 39.0 C286 39.0 286 39.0 248 39.0"


def test_two_that_link_to_each_other_have_one_line():
    assert [
        (curve.source, curve.target, curve.both) for curve in draw([["a"], ["b"]], [("b", "a"), ("a", "b")]).curves
    ] == [("a", "b", True)]


def test_nothing_is_drawn_of_nothing():
    assert (draw([[], []], []).boxes, draw([[], []], []).curves) == ((), ())


def graph(seed):
    """Sixty nodes, as a library may have them."""
    rolled = random.Random(seed)
    groups = [[f"{letter}{n}" for n in range(20)] for letter in "abc"]
    edges = [(rolled.choice(groups[0]), rolled.choice(groups[1])) for _ in range(30)]
    edges += [(rolled.choice(groups[1]), rolled.choice(groups[2])) for _ in range(40)]
    return groups, edges + [(rolled.choice(groups[1]), rolled.choice(groups[1])) for _ in range(8)]


@pytest.mark.parametrize("seed", range(8))
def test_boxes_keep_clear_of_each_other_and_within_the_drawing(seed):
    drawing = draw(*graph(seed))

    assert len(drawing.boxes) == 60
    for box in drawing.boxes:
        assert 0 < box.x <= drawing.width - WIDTH
        assert 0 < box.y <= drawing.height - HEIGHT
    for one, other in combinations(drawing.boxes, 2):
        assert abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= HEIGHT


@pytest.mark.parametrize("seed", range(8))
def test_each_line_begins_and_ends_in_the_middle_of_a_side_of_its_boxes(seed):
    drawing = draw(*graph(seed))
    sides = {box.name: {(x, round(box.y + HEIGHT / 2)) for x in (box.x, box.x + WIDTH)} for box in drawing.boxes}

    for curve in drawing.curves:
        numbers = [float(number) for number in re.findall(r"[0-9.]+", curve.path)]
        start, end = numbers[:2], numbers[-2:]
        assert any(abs(start[0] - x) < 1 and abs(start[1] - y) < 1 for x, y in sides[curve.source])
        assert any(abs(end[0] - x) < 1 and abs(end[1] - y) < 1 for x, y in sides[curve.target])
