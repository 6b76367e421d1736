"""Draws a graph: where each node stands, and the curve of each edge, in the units of an SVG."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from runner.render.site.graph_layers import Edge, Layers, layered

WIDTH, HEIGHT = 232, 46
"""Of the box of a node."""

_ACROSS, _APART, _BEND, _MARGIN = 76, 14, 12, 16
_ROUNDS = 24


@dataclass(frozen=True, slots=True)
class Box:
    """Where a node stands: its left upper corner."""

    name: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Curve:
    """The line from `source` to `target`, as SVG has it; `both` when each links to the other."""

    source: str
    target: str
    path: str
    both: bool


@dataclass(frozen=True)
class Drawing:
    """A graph that is drawn; width and height are those of the whole."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]


def draw(groups: Sequence[Sequence[str]], edges: Iterable[Edge]) -> Drawing:
    """The drawing of the graph of the nodes in `groups`, left to right, and `edges`; it is always drawn the same."""
    wanted = dict.fromkeys(edges)
    found = layered(groups, [edge for edge in wanted if edge[::-1] not in wanted or edge < edge[::-1]])
    heights = _heights(found)
    place = {
        name: (name, _MARGIN + n * (WIDTH + _ACROSS), heights[name])
        for n, names in enumerate(found.layers)
        for name in names
    }
    boxes = tuple(Box(name, x, round(y - HEIGHT / 2, 1)) for name, x, y in place.values() if name not in found.bends)
    curves = tuple(
        _curve(edge, [place[name] for name in chain], both=edge[::-1] in wanted) for edge, chain in found.chains.items()
    )
    width = 2 * _MARGIN + len(found.layers) * (WIDTH + _ACROSS) - _ACROSS
    bottom = max(heights.values(), default=0) + HEIGHT / 2
    return Drawing(max(width, 1), round(bottom + _MARGIN), boxes, curves)


def _heights(found: Layers) -> dict[str, float]:
    """The middle of each node and bend from the top: near its neighbours, and clear of who stands beside it."""
    size = {name: _BEND if name in found.bends else HEIGHT for names in found.layers for name in names}
    near: dict[str, list[str]] = defaultdict(list)
    for chain in found.chains.values():
        for one, other in pairwise(chain):
            near[one].append(other)
            near[other].append(one)
    heights: dict[str, float] = {}
    for names in found.layers:
        heights |= _apart(names, dict.fromkeys(names, 0.0), size)
    for turn in range(_ROUNDS):
        for names in found.layers if turn % 2 == 0 else reversed(found.layers):
            wanted = {name: _mean([heights[other] for other in near[name]], heights[name]) for name in names}
            heights |= _apart(names, wanted, size)
    top = min((heights[name] - size[name] / 2 for name in heights), default=0)
    return {name: height - top + _MARGIN for name, height in heights.items()}


def _apart(names: Sequence[str], wanted: Mapping[str, float], size: Mapping[str, int]) -> dict[str, float]:
    """The heights of `names`, in this order and clear of each other, as near as that allows to what is `wanted`.

    Pushed down from the top and pushed up from the bottom: the mean of both keeps the distances.
    """
    down, up = dict(wanted), dict(wanted)
    for above, below in pairwise(names):
        down[below] = max(down[below], down[above] + (size[above] + size[below]) / 2 + _APART)
    for above, below in reversed(list(pairwise(names))):
        up[above] = min(up[above], up[below] - (size[above] + size[below]) / 2 - _APART)
    return {name: (down[name] + up[name]) / 2 for name in names}


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _curve(edge: Edge, chain: Sequence[tuple[str, float, float]], *, both: bool) -> Curve:
    """The line of `edge` along its `chain`, of which each part is a name with its left end and its height."""
    (_, first, height), *between, (_, last, end) = chain
    points = [(first + WIDTH, height), *(end for _, x, y in between for end in ((x, y), (x + WIDTH, y))), (last, end)]
    if chain[0][0] != edge[0]:  # it goes against the layers
        points.reverse()
    parts = [f"M{points[0][0]:g} {points[0][1]:.1f}"]
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (x + to_x) / 2
        parts.append(f"C{middle:g} {y:.1f} {middle:g} {to_y:.1f} {to_x:g} {to_y:.1f}")
    return Curve(*edge, path=" ".join(parts), both=both)
