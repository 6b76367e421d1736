"""The site is written as a whole or not at all, and never over what somebody else put there."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.errors import InvalidInputError
from runner.render.site.publish import MARKER, publish

PAGES = {"index.html": "one", "a.html": "ä\n"}


def held(directory):
    return {path.name: path.read_text(encoding="utf-8") for path in directory.iterdir()}


def test_a_new_directory_holds_the_pages_and_the_marker(tmp_path):
    publish(PAGES, tmp_path / "deep" / "site")

    assert held(tmp_path / "deep" / "site") == {**PAGES, MARKER: "a.html\nindex.html\n"}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["site"]


def test_an_earlier_site_is_replaced_as_a_whole(tmp_path):
    publish(PAGES, tmp_path / "site")
    publish({"index.html": "two"}, tmp_path / "site")

    assert held(tmp_path / "site") == {"index.html": "two", MARKER: "index.html\n"}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_an_empty_directory_is_taken(tmp_path):
    (tmp_path / "site").mkdir()
    publish(PAGES, tmp_path / "site")

    assert held(tmp_path / "site").keys() == {*PAGES, MARKER}


def test_a_link_to_the_directory_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "site").symlink_to("real")
    publish(PAGES, tmp_path / "site")

    assert (tmp_path / "site").is_symlink()
    assert held(tmp_path / "real").keys() == {*PAGES, MARKER}


@pytest.mark.parametrize("marked", [False, True])
def test_what_is_not_ours_is_never_replaced(tmp_path, marked):
    if marked:
        publish(PAGES, tmp_path / "site")
    (tmp_path / "site").mkdir(exist_ok=True)
    (tmp_path / "site" / "thesis.txt").write_text("years of work")
    before = held(tmp_path / "site")

    with pytest.raises(InvalidInputError, match="site holds thesis.txt, which is not from an earlier site"):
        publish({"index.html": "two"}, tmp_path / "site")
    assert held(tmp_path / "site") == before


def test_a_file_is_no_place_for_a_site(tmp_path):
    (tmp_path / "site").write_text("a file")

    with pytest.raises(InvalidInputError, match="is not a directory"):
        publish(PAGES, tmp_path / "site")
    assert (tmp_path / "site").read_text() == "a file"


@pytest.mark.parametrize("failing", ["write_text", "rename", "mkdir"])
@pytest.mark.parametrize("calls", [0, 1])
def test_whatever_goes_wrong_the_earlier_site_stays(tmp_path, monkeypatch, failing, calls):
    publish(PAGES, tmp_path / "site")
    done, real = [], getattr(Path, failing)

    def fail(path, *arguments, **options):
        done.append(path)
        if len(done) == calls + 1:
            raise OSError(28, "No space left on device", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, failing, fail)
    with pytest.raises(InvalidInputError, match="No space left on device"):
        publish({"index.html": "two"}, tmp_path / "site")
    monkeypatch.undo()

    assert held(tmp_path / "site") == {**PAGES, MARKER: "a.html\nindex.html\n"}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_what_a_killed_writer_left_is_no_hindrance(tmp_path, monkeypatch):
    monkeypatch.setattr("os.getpid", lambda: 7)
    (tmp_path / ".site.new-7").mkdir()
    (tmp_path / ".site.new-7" / "half.html").touch()
    publish(PAGES, tmp_path / "site")

    assert held(tmp_path / "site").keys() == {*PAGES, MARKER}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
