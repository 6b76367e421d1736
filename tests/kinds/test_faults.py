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


@pytest.mark.parametrize("fault", KNOWN, ids=lambda fault: fault.key)
def test_a_value_is_one_word_and_never_shell_code(fault):
    steps = fault.steps(dict.fromkeys(fault.needs, "'; a b"))

    texts = [steps[phase].get("shell", "") for phase in ("inject", "undo")]
    words = [word for phase in ("inject", "undo") for word in steps[phase].get("command", [])]
    assert ([text for text in texts if "a b" in text], all(isinstance(each, str) for each in words)) == ([], True)
    assert not any(isinstance(steps[phase].get("command"), str) for phase in ("inject", "undo"))


def test_values_are_put_in_their_places():
    fault = Fault("break", "Break it", {"shell": "a @x@ b\n", "env": {"A": "@y@"}}, {"command": ["undo", "@x@"]})

    assert fault.steps({"x": "1", "y": "2"}) == {
        "inject": {"shell": "a 1 b\n", "env": {"A": "2"}},
        "undo": {"command": ["undo", "1"]},
    }


def test_what_is_no_fault_is_refused():
    with pytest.raises(TypeError, match="it is no Fault"):
        fault_key({"key": "break"})
