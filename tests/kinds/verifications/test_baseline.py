"""A baseline has a name for conditions as soon as it is taken."""

from __future__ import annotations

import pytest

from runner.kinds.values import TakenBaseline
from runner.kinds.verifications.baseline import Baseline


@pytest.mark.parametrize(
    ("written", "names"),
    [("row.used", {}), (TakenBaseline("row.used", "baseline_a_1"), {"baseline": "baseline_a_1"})],
)
def test_it_is_called_so_where_it_is_taken(written, names):
    kind = Baseline(baseline=written)

    assert (kind.names, kind.describe(), kind.probe(None)) == (names, "", None)
