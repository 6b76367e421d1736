"""A runbook is read from a file that has its name, and from files that lie below it."""

from __future__ import annotations

import pytest
from harness.fakes import runbook_file

from runner.library.root import shown
from runner.library.runbook_source import read_source
from runner.model.yaml.finding import InvalidFileError


def test_a_file_has_the_name_of_its_runbook(tmp_path):
    path = runbook_file(tmp_path).rename(tmp_path / "runbooks" / "RUN-002.yml")
    with pytest.raises(InvalidFileError) as caught:
        read_source(path)
    (finding,) = caught.value.findings
    assert str(finding) == (
        f"{shown(path)}:1:1: id: RUN-001 stands in RUN-002.yml; name the file RUN-001.yml [error: file-name]"
    )


def test_files_that_belong_to_a_runbook_lie_below_it(tmp_path):
    # Given a file beside the runbook, one elsewhere, and a link that leads there
    source, outside = read_source(runbook_file(tmp_path)), tmp_path / "outside"
    outside.write_text("secret")
    (tmp_path / "runbooks" / "scripts").mkdir()
    (tmp_path / "runbooks" / "scripts" / "a.sh").write_text("echo\n")
    (tmp_path / "runbooks" / "link").symlink_to(outside)
    (tmp_path / "runbooks" / "bytes").write_bytes(b"\xff")
    # Then only what lies below is read, and only when it is text
    assert source.read_file("scripts/a.sh") == "echo\n"
    for name, sentence in (
        ("link", "link leads out of the runbook's directory"),
        ("../outside", "../outside leads out of the runbook's directory"),
        ("none", f"none is not there; it is looked for beside {source.path}"),
        ("scripts", "scripts is a directory, not a file"),
        ("bytes", "bytes cannot be read: "),
    ):
        with pytest.raises(ValueError, match=".") as caught:
            source.read_file(name)
        assert str(caught.value).startswith(sentence)


def test_whatever_its_steps_do_is_a_part_of_its_definition(tmp_path):
    # Given a runbook with a script, an undo and a drill by scripts, and tasks that lie in a file
    def step(name, **keys):
        return {"id": name, "name": name.title(), "verify": [{"command": "date"}], **keys}

    undo = {"script": "undo.sh", "verify": [{"exit": 0}]}
    steps = [
        step("check", script="check.sh", effect="change", undo=undo),
        step("renew", tasks="renew.yml", effect="change"),
    ]
    drill = {
        "probe": {"http": "http://127.0.0.1/"},
        "inject": {"script": "inject.sh"},
        "symptom": {"that": "status == 503"},
    }
    path = runbook_file(tmp_path, steps=steps, drill=drill)
    for name in ("check.sh", "undo.sh", "inject.sh"):
        path.with_name(name).write_text("#!/bin/sh\ndate\n")
    path.with_name("renew.yml").write_text("- ansible.builtin.command: date\n")
    found = {read_source(path).sha256}
    # Then each edit of any of them makes another definition of it
    for name in ("check.sh", "undo.sh", "inject.sh", "renew.yml"):
        path.with_name(name).write_text(path.with_name(name).read_text() + "# other\n")
        found.add(read_source(path).sha256)
    assert len(found) == 5
    # And what a script says is told where the definition is compared with an earlier one
    assert b"# check.sh\n#!/bin/sh\ndate\n# other\n" in read_source(path).definition
