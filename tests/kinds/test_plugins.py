"""The shelves are found by looking."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from runner.channels.base import Channel
from runner.kinds import plugins
from runner.kinds.steps.base import StepKind
from runner.kinds.verifications.base import VerificationKind


@pytest.mark.parametrize(
    ("shelf", "base", "keys"),
    [
        (plugins.steps, StepKind, {"command", "http", "manual", "module", "script", "shell", "sql", "wait"}),
        (
            plugins.verifications,
            VerificationKind,
            {"command", "confirm", "exit", "hold_for", "http", "json", "matches", "sql", "that"},
        ),
        (plugins.channels, Channel, {"pagerduty", "webhook"}),
    ],
)
def test_every_file_of_a_shelf_is_found_under_its_key(shelf, base, keys):
    found = shelf()
    assert set(found) >= keys
    assert all(issubclass(kind, base) and kind.key == key for key, kind in found.items())
    assert list(found) == sorted(found)


def test_a_shelf_can_not_be_changed():
    with pytest.raises(TypeError):
        plugins.steps()["other"] = StepKind


def test_two_kinds_of_one_key_are_a_defect(tmp_path, monkeypatch):
    # Given a shelf with two files that want the same key
    for name in ("first", "second"):
        (tmp_path / f"{name}.py").write_text(
            "from runner.kinds.steps.base import StepKind\n\n\nclass Mine(StepKind):\n    key = 'mine'\n    mine: str\n"
        )
    shelf = ModuleType("double_shelf")
    shelf.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "double_shelf", shelf)
    # When it is looked through, then nobody guesses which one is meant
    with pytest.raises(RuntimeError, match="double_shelf: 'mine' is both"):
        plugins._kinds(shelf, StepKind)
    for name in ("first", "second"):
        sys.modules.pop(f"double_shelf.{name}")
