"""A file is read to its end or a little beyond the most that it may have; one that cannot be read is a finding."""

from __future__ import annotations

import pytest

from runner.model.yaml.finding import InvalidFileError
from runner.model.yaml.yaml_file import read_file


def test_of_a_file_that_is_too_large_one_byte_more_is_read(tmp_path):
    (tmp_path / "a.yml").write_bytes(b"12345")

    assert read_file(tmp_path / "a.yml", file="a.yml") == b"12345"
    assert read_file(tmp_path / "a.yml", file="a.yml", most=3) == b"1234"


def test_one_that_cannot_be_read_is_a_finding_at_its_beginning(tmp_path):
    with pytest.raises(InvalidFileError) as caught:
        read_file(tmp_path, file="a.yml")

    assert list(map(str, caught.value.findings)) == ["a.yml:1:1: is a directory, not a file [error: unusable-file]"]
