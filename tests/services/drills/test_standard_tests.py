"""All runbooks of a library that can be drilled are found, and what cannot be is named."""

from __future__ import annotations

from runner.library.library import Library
from runner.services.drills.standard_tests import drillable


def test_what_has_no_drill_is_left_out_by_name():
    found, left_out = drillable(Library.shipped(), "lab")

    assert {"RUN-001", "RUN-006"} <= {source.id for source in found}
    assert left_out.keys() == {*Library.shipped().ids()} - {source.id for source in found}
    assert set(left_out.values()) <= {"says nothing of how it is rehearsed"}


def test_what_needs_machines_of_its_own_is_left_out_where_there_are_none():
    found, left_out = drillable(Library.shipped(), "embedded")

    assert "RUN-001" in {source.id for source in found}
    assert left_out["RUN-031"] == "is rehearsed in a lab only"
