"""A value of a record that is cut, or of another type, is read as nothing, and never stops the reader."""

from __future__ import annotations

import pytest

from runner.store.log import record_data

ODD = [None, "text", 7, True, [1], {"a": 1}]


@pytest.mark.parametrize("value", ODD)
def test_each_reader_gives_its_type_whatever_there_is(value):
    data = {"key": value}

    assert record_data.text(data, "key") == ("" if value is None else str(value))
    assert record_data.items(data, "key") == (value if value == [1] else [])
    assert record_data.mapping(data, "key") == (value if value == {"a": 1} else {})
    assert record_data.number(data, "key") == (7 if value == 7 else None)
    assert record_data.mappings(data, "key") == []


def test_what_is_not_there_is_nothing_and_mappings_are_picked_out_of_a_list():
    assert (record_data.text({}, "key"), record_data.items({}, "key"), record_data.number({}, "key")) == ("", [], None)
    assert record_data.mappings({"key": [{"a": 1}, "cut", {}]}, "key") == [{"a": 1}, {}]
