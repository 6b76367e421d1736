"""Puts the nodes of a graph into layers from left to right and into an order that crosses few lines (Sugiyama).

Nodes come in groups, such as alerts, runbooks and what they rest on: the layers of a group lie left of the next one.

Source: K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system structures", 1981.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Edge = tuple[str, str]

_SWEEPS = 12


@dataclass(frozen=True)
class Layers:
    """The order of the nodes in each layer, and the nodes and bends that each edge goes through, left to right.

    A bend is where an edge passes a layer; it stands among the nodes of that layer under a name of its own, which is
    one of `bends`.
    """

    layers: tuple[tuple[str, ...], ...]
    chains: Mapping[Edge, tuple[str, ...]]
    bends: frozenset[str]


def layered(groups: Sequence[Sequence[str]], edges: Iterable[Edge]) -> Layers:
    """The layers of the graph of the nodes in `groups` and `edges`; the same graph always gives the same ones."""
    rank = {node: n for n, group in enumerate(groups) for node in group}
    wanted = sorted({edge for edge in edges if edge[0] != edge[1]})
    depth: dict[str, int] = {}
    for group in groups:
        inner = [edge for edge in wanted if edge[0] in group and edge[1] in group]
        turned = _backward(group, inner)
        first = max(depth.values(), default=-1) + 1
        depth |= {
            node: first + layer
            for node, layer in _depths(group, [edge[::-1] if edge in turned else edge for edge in inner]).items()
        }
    order: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in rank:
        order[depth[node]].append(node)
    chains: dict[Edge, tuple[str, ...]] = {}
    bends: set[str] = set()
    for edge in wanted:
        source, target = sorted(edge, key=depth.__getitem__)
        between = [f"{source}>{target}@{layer}" for layer in range(depth[source] + 1, depth[target])]
        for name, layer in zip(between, range(depth[source] + 1, depth[target]), strict=True):
            order[layer] += [name] if name not in bends else []
        bends.update(between)
        chains[edge] = (source, *between, target)
    best = _untangled(order, [pair for chain in chains.values() for pair in pairwise(chain)])
    return Layers(tuple(map(tuple, best)), chains, frozenset(bends))


def crossings(order: Sequence[Sequence[str]], pairs: Iterable[Edge]) -> int:
    """How often the lines between neighbouring layers cross."""
    place = {name: (layer, n) for layer, names in enumerate(order) for n, name in enumerate(names)}
    between: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for source, target in pairs:
        between[place[source][0]].append((place[source][1], place[target][1]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0
        for lines in between.values()
        for n, a in enumerate(lines)
        for b in lines[n + 1 :]
    )


def _backward(nodes: Sequence[str], edges: Sequence[Edge]) -> set[Edge]:
    """The edges that close a cycle: without them, or with them turned round, there is none."""
    after = defaultdict(list)
    for source, target in edges:
        after[source].append(target)
    found: set[Edge] = set()
    done: set[str] = set()
    for start in nodes:
        if start in done:
            continue
        path, trail = {start}, [(start, iter(after[start]))]
        while trail:
            node, left = trail[-1]
            following = next(left, None)
            if following is None:
                trail.pop()
                path.discard(node)
                done.add(node)
            elif following in path:
                found.add((node, following))
            elif following not in done:
                path.add(following)
                trail.append((following, iter(after[following])))
    return found


def _depths(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The layer of each node: as far to the left as what leads to it allows."""
    depth = dict.fromkeys(nodes, 0)
    for _ in nodes:
        moved = [(source, target) for source, target in edges if depth[target] <= depth[source]]
        if not moved:
            break
        for source, target in moved:
            depth[target] = max(depth[target], depth[source] + 1)
    return depth


def _untangled(order: list[list[str]], pairs: Sequence[Edge]) -> list[list[str]]:
    """The best of the orders that come of putting each node at the mean of its neighbours, layer by layer."""
    before, after = defaultdict(list), defaultdict(list)
    for source, target in pairs:
        after[source].append(target)
        before[target].append(source)
    best, fewest = [list(layer) for layer in order], crossings(order, pairs)
    for sweep in range(_SWEEPS):
        rightwards = sweep % 2 == 0
        near = before if rightwards else after
        for layer in range(len(order)) if rightwards else reversed(range(len(order))):
            place = {name: n for names in order for n, name in enumerate(names)}
            means = {name: _mean([place[other] for other in near[name]], place[name]) for name in order[layer]}
            order[layer].sort(key=means.__getitem__)
        if (now := crossings(order, pairs)) < fewest:
            best, fewest = [list(layer) for layer in order], now
    return best


def _mean(places: Sequence[int], otherwise: int) -> float:
    return sum(places) / len(places) if places else otherwise
