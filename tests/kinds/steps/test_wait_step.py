"""`wait`: for a while, or until something is there."""

from __future__ import annotations

import pytest

from runner.kinds.invocation import Invocation
from runner.kinds.steps.wait_step import WaitStep


@pytest.mark.parametrize(
    ("wait", "args", "words"),
    [
        ("30s", {"timeout": 30}, "30s"),
        ("1500ms", {"timeout": 2}, "1.5s"),
        ({"port": 22}, {"host": "127.0.0.1", "port": 22, "state": "present", "timeout": 60}, "127.0.0.1:22 is present"),
        (
            {"port": 80, "host": "{{ a }}", "state": "absent"},
            {"host": "{{ a }}", "port": 80, "state": "absent", "timeout": 60},
            "{{ a }}:80 is absent",
        ),
        ({"path": "/run/a"}, {"path": "/run/a", "state": "present", "timeout": 60}, "/run/a is present"),
    ],
)
def test_the_host_waits(wait, args, words, minute, no_file):
    step = WaitStep.model_validate({"wait": wait})
    assert step.invocation(minute, no_file) == Invocation("ansible.builtin.wait_for", args)
    assert (step.describe(), step.touches_nothing) == (words, True)


@pytest.mark.parametrize(
    ("wait", "sentence"),
    [
        ("soon", "'soon' is not a duration; write a number and a unit, like 30s, 5m or 1h30m"),
        (30, "30 has no unit; write it like 30s, 5m or 1h30m"),
        ("0s", "must be longer than 0s"),
        ({}, "needs either a `port` or a `path`, or how long to wait, like 30s"),
        ({"port": 1, "path": "/a"}, "needs either a `port` or a `path`, or how long to wait, like 30s"),
        ({"port": 0}, "a port is a number from 1 to 65535, not 0"),
        ({"prt": 5}, "Extra inputs are not permitted"),
    ],
)
def test_what_it_refuses(wait, sentence, refusals):
    assert refusals(WaitStep, wait=wait) == [sentence]
