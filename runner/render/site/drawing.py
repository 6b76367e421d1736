"""Draws a graph in columns: where each node stands, and the curve of each edge, in the units of an SVG."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean

from runner.core.deferred import dataclass

Edge = tuple[str, str]

WIDTH, HEIGHT = 232, 46
"""Of the box of a node."""
_ACROSS, _APART, _MARGIN = 76, 14, 16


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
    """The drawing of the graph of the nodes in `groups`, each a column, and `edges`; it is always drawn the same."""
    wanted = {edge for edge in edges if edge[0] != edge[1]}
    columns = _ordered([group for group in groups if group], wanted)
    height = max((len(column) for column in columns), default=1) * (HEIGHT + _APART) - _APART
    boxes = {
        name: Box(name, _MARGIN + n * (WIDTH + _ACROSS), round(_MARGIN + middle * height - HEIGHT / 2, 1))
        for n, column in enumerate(columns)
        for name, middle in column.items()
    }
    curves = tuple(
        Curve(*edge, path=_path(*map(boxes.__getitem__, edge)), both=edge[::-1] in wanted)
        for edge in sorted(wanted)
        if edge[::-1] not in wanted or edge < edge[::-1]
    )
    width = 2 * _MARGIN + len(columns) * (WIDTH + _ACROSS) - _ACROSS
    return Drawing(max(width, 1), height + 2 * _MARGIN, tuple(boxes.values()), curves)


def _ordered(groups: Sequence[Sequence[str]], edges: Iterable[Edge]) -> list[dict[str, float]]:
    """The nodes of each group from top to bottom, each with its height from 0 to 1: near those it is linked with."""
    near: dict[str, list[str]] = defaultdict(list)
    for one, other in edges:
        near[one].append(other)
        near[other].append(one)
    heights: dict[str, float] = {}
    columns = []
    for group in groups:
        wanted = {name: fmean([heights[each] for each in near[name] if each in heights] or [1.0]) for name in group}
        ordered = enumerate(sorted(group, key=wanted.__getitem__))
        columns.append({name: (row + 0.5) / len(group) for row, name in ordered})
        heights |= columns[-1]
    return columns


def _path(source: Box, target: Box) -> str:
    """A curve between the sides that face each other; within a column, beside it."""
    x = source.x + (WIDTH if source.x <= target.x else 0)
    to_x = target.x + (WIDTH if source.x >= target.x else 0)
    bend = (x + to_x) / 2 if x != to_x else x + _ACROSS / 2
    y, to_y = source.y + HEIGHT / 2, target.y + HEIGHT / 2
    return f"M{x:g} {y:.1f} C{bend:g} {y:.1f} {bend:g} {to_y:.1f} {to_x:g} {to_y:.1f}"
