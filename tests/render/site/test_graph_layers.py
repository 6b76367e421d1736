"""Every node has one layer, every edge goes from layer to layer, and groups lie side by side."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from runner.render.site.graph_layers import crossings, layered

NAMES = st.lists(st.sampled_from("abcdefghij"), unique=True, min_size=1)


@st.composite
def graphs(draw):
    names = draw(NAMES)
    cuts = sorted(draw(st.lists(st.integers(0, len(names)), min_size=2, max_size=2)))
    edges = draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=25))
    return [names[: cuts[0]], names[cuts[0] : cuts[1]], names[cuts[1] :]], edges


def test_a_chain_is_one_layer_after_the_other():
    found = layered([["a", "b", "c"]], [("a", "b"), ("b", "c"), ("a", "c")])

    assert found.layers[0] == ("a",)
    assert set(found.layers[1]) == {"b", "a>c@1"}
    assert found.layers[2] == ("c",)
    assert found.chains == {("a", "b"): ("a", "b"), ("b", "c"): ("b", "c"), ("a", "c"): ("a", "a>c@1", "c")}


def test_a_cycle_is_opened_and_every_edge_is_kept():
    found = layered([["a", "b", "c"]], [("a", "b"), ("b", "c"), ("c", "a")])

    assert found.layers == (("a",), ("b", "a>c@1"), ("c",))
    assert found.chains["c", "a"] == ("a", "a>c@1", "c")


def test_lines_that_need_not_cross_do_not():
    found = layered([["a", "b", "c"], ["x", "y", "z"]], [("a", "z"), ("b", "x"), ("c", "y")])

    assert crossings(found.layers, found.chains) == 0


def test_nothing_has_no_layers():
    assert layered([[], []], []).layers == ()


@given(graphs())
def test_each_node_is_in_one_layer_right_of_the_group_before_it(graph):
    groups, edges = graph
    found = layered(groups, edges)
    place = {name: n for n, names in enumerate(found.layers) for name in names}

    assert sorted(place) == sorted([*(name for group in groups for name in group), *found.bends])
    assert sum(map(len, found.layers)) == len(place)
    for left, right in pairwise([group for group in groups if group]):
        assert max(place[name] for name in left) < min(place[name] for name in right)


@given(graphs())
def test_each_edge_goes_through_every_layer_between_its_ends_once(graph):
    groups, edges = graph
    found = layered(groups, edges)
    place = {name: n for n, names in enumerate(found.layers) for name in names}

    assert set(found.chains) == {edge for edge in edges if edge[0] != edge[1]}
    for edge, chain in found.chains.items():
        assert {chain[0], chain[-1]} == set(edge)
        assert found.bends.issuperset(chain[1:-1])
        assert all(place[right] - place[left] == 1 for left, right in pairwise(chain))


@given(graphs(), st.randoms(use_true_random=False))
def test_the_same_graph_has_the_same_layers_whatever_order_its_edges_are_told_in(graph, rolled):
    groups, edges = graph
    other = [*edges, *edges]
    rolled.shuffle(other)

    assert layered(groups, edges) == layered(groups, other)
