"""The samples of a verification are numbers where each of them is about one."""

from __future__ import annotations

import pytest

from runner.render.history.trend import numbers


@pytest.mark.parametrize(
    ("samples", "values"),
    [
        (['{"percent": 98}', '{"percent": 91.5}', "-3 of 7"], [98.0, 91.5, -3.0]),
        (["98", "nobody answered"], []),
        ([], []),
    ],
)
def test_samples_as_numbers(samples, values):
    assert numbers(samples) == values
