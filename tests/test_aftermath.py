"""What a run leaves behind, as its last screen tells it."""

from __future__ import annotations

import pytest
from engine import FAILED, change

from runner.request import Answer

SO_FAR, CHANGED, UNTOUCHED = "changed, and verified as far as it went", "changed and not verified", "untouched"


def test_ctrl_c_is_called_what_it_says_on_the_keys(engine):
    def interrupted(*_):
        engine.around.cancellation.request("SIGINT")
        return Answer(yes=False, by="alice")

    engine.operator.answer = interrupted

    assert engine.run(change("one", approve="Do it?")).happened.startswith("stopped by Ctrl-C")


@pytest.mark.parametrize(
    ("refused", "broken", "hosts"),
    [
        ("two", None, {SO_FAR: ["db1"]}),
        ("one", None, {UNTOUCHED: ["db1"]}),
        (None, "two", {CHANGED: ["db1"]}),
    ],
)
def test_a_change_whose_checks_hold_is_not_called_unverified(engine, refused, broken, hosts):
    asked = {"approve": "Do it?"}
    engine.operator.answers = {refused: Answer(yes=False, by="alice")}
    engine.ansible.answers = {(broken, "action"): FAILED}

    result = engine.run(*(change(name, **(asked if name == refused else {})) for name in ("one", "two")))

    assert result.hosts == hosts
