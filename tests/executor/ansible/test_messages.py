"""An order and an ending survive the pipe as they are."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from runner.executor.ansible.messages import Ending, Order

WORDS = st.lists(st.text()).map(tuple)
ORDERS = st.builds(
    Order,
    run_id=st.text(),
    private=st.text(),
    playbook=st.text(),
    inventories=WORDS,
    tags=WORDS,
    skip_tags=WORDS,
    limit=st.none() | st.text(),
    forks=st.integers(1, 50),
    hosts=st.text(),
    becomes=st.booleans(),
    environment=st.dictionaries(st.text(), st.text()),
    deadline=st.none() | st.floats(0, 1e6),
)
ENDINGS = st.builds(Ending, st.text(), st.integers(-64, 255), st.text())


@given(ORDERS)
def test_an_order_is_one_line_and_comes_out_as_it_went_in(order):
    assert Order.loads(order.dumps()) == order
    assert len(order.dumps().splitlines()) == 1


@given(ENDINGS)
def test_an_ending_is_one_line_and_comes_out_as_it_went_in(ending):
    assert Ending.loads(ending.dumps()) == ending
    assert len(ending.dumps().splitlines()) == 1


def test_what_is_not_said_has_a_harmless_value():
    order = Order(run_id="r", private="/p", playbook="x.yml", inventories=("/i",))

    assert json.loads(order.dumps()) == {
        "run_id": "r",
        "private": "/p",
        "playbook": "x.yml",
        "inventories": ["/i"],
        "tags": [],
        "skip_tags": [],
        "limit": None,
        "forks": 5,
        "hosts": "all",
        "becomes": False,
        "environment": {},
        "deadline": None,
    }
