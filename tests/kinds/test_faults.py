"""A fault is data: two steps, in which each value that it needs has its place."""

from __future__ import annotations

import re

import pytest
import yaml

from runner.kinds.faults import KNOWN, Fault, fault_key


@pytest.mark.parametrize("fault", KNOWN, ids=lambda fault: fault.key)
def test_it_asks_for_exactly_what_its_steps_use(fault):
    used = set(re.findall(r"@(\w+)@", yaml.safe_dump([dict(fault.inject), dict(fault.undo)])))

    assert used == set(fault.needs)


def test_values_are_put_in_their_places():
    fault = Fault("break", "Break it", {"shell": "a @x@ b\n", "env": {"A": "@y@"}}, {"command": ["undo", "@x@"]})

    assert fault.steps({"x": "1", "y": "2"}) == {
        "inject": {"shell": "a 1 b\n", "env": {"A": "2"}},
        "undo": {"command": ["undo", "@x@"]},
    }


def test_what_is_no_fault_is_refused():
    with pytest.raises(TypeError, match="it is no Fault"):
        fault_key({"key": "break"})
