"""A cell means to the registry what a person means by it."""

from __future__ import annotations

import pytest

from runner.library.registry.registry import KINDS
from runner.library.registry.table_columns import KEYS, value


@pytest.mark.parametrize(
    ("key", "cell", "means"),
    [
        ("owner", "Backend Team", "backend-team"),
        ("severity", "Critical", "critical"),
        ("severity", "SEV-1", "P1"),
        ("severity", "sev2", "P2"),
        ("severity", "P0", "P0"),
        ("level", "High", "high"),
        ("level", "Med", "medium"),
        ("runbook", "RUN-001: Pool", "RUN-001"),
        ("runbook", "the usual", "the usual"),
        ("page", "guide https://wiki.example/a", "https://wiki.example/a"),
        ("symptoms", "HTTP 503, slow pages; ", ["HTTP 503", "slow pages"]),
        ("links", "see MON-001/MON-002 and DEP-003", ["MON-001", "MON-002", "DEP-003"]),
        ("title", "Full disk", "Full disk"),
        ("runbook", "\u2014", None),
        ("owner", "TBD", None),
        ("note", "", None),
    ],
)
def test_a_cell_means(key, cell, means):
    assert value(key, cell) == means


def test_every_column_is_for_a_key_of_some_entry():
    assert set(KEYS.values()) <= {name for kind in KINDS.values() for name in kind.model_fields}
