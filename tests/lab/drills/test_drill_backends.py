"""Where drills are done without root, there must be room for the databases before one of them ends in the middle."""

import pytest
from harness import ROOT

from runner.core.errors import InvalidInputError
from runner.lab.drills.drill_backends import embedded


def test_a_disk_without_room_is_named_before_anything_is_started(small_disk):
    place = small_disk / "drill"
    place.mkdir()

    with pytest.raises(InvalidInputError) as caught, embedded(ROOT, place):
        pass

    assert (caught.value.message, caught.value.hint) == (
        f"there is too little room in {small_disk}: 0 MB, and a drill needs 200 MB",
        "make room, or name another directory by TMPDIR",
    )
