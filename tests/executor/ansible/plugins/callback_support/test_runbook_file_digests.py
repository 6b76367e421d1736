"""A file that a task brings from this machine is known by what is in it."""

from __future__ import annotations

import json

import pytest

CALLS = {
    "copied": {"ansible.builtin.copy": {"src": "PATH", "dest": "/etc/motd"}},
    "copied, it says so": {"ansible.builtin.copy": {"src": "PATH", "remote_src": "no", "dest": "/etc/motd"}},
    "assembled": {"ansible.builtin.assemble": {"src": "PATH", "remote_src": False, "dest": "/etc/motd"}},
    "sent": {"ansible.builtin.uri": {"url": "https://a.example", "src": "PATH"}},
    "sent as a part": {
        "ansible.builtin.uri": {
            "url": "https://a.example",
            "body_format": "form-multipart",
            "body": {"part": {"filename": "PATH"}},
        }
    },
}
STAYS = {
    "copied there": {"ansible.builtin.copy": {"src": "PATH", "remote_src": True, "dest": "/etc/motd"}},
    "assembled there": {"ansible.builtin.assemble": {"src": "PATH", "dest": "/etc/motd"}},
    "looked for there": {"ansible.builtin.stat": {"path": "PATH"}},
    "named in a text": {"ansible.builtin.uri": {"url": "https://a.example", "body": "PATH"}},
}


def playing(call, path):
    block = {"block": [{"name": "RUN-001/act/action | Act", **call}]}
    return json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [block]}]).replace("PATH", str(path))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_file_that_a_module_brings_from_this_machine_is_told_by_its_content(shown, tmp_path, call):
    file = tmp_path / "brought"
    file.write_text("one")
    first = shown(play=playing(call, file))["files"]
    file.write_text("two")

    assert list(first) == [str(file)]
    assert shown(play=playing(call, file))["files"].keys() == first.keys()
    assert shown(play=playing(call, file))["files"] != first


@pytest.mark.parametrize("call", STAYS.values(), ids=STAYS)
def test_a_path_of_the_host_is_no_file_of_this_machine(shown, tmp_path, call):
    (tmp_path / "brought").write_text("one")

    assert "files" not in shown(play=playing(call, tmp_path / "brought"))


def test_what_lies_behind_a_link_in_a_directory_is_brought_as_well(shown, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("one")
    (tmp_path / "brought").mkdir()
    (tmp_path / "brought" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "brought" / "loop").symlink_to(tmp_path / "brought")
    play = playing(CALLS["copied"], tmp_path / "brought")
    found = [shown(play=play)["files"]]
    for change in (
        lambda: (tmp_path / "elsewhere" / "file").write_text("two"),
        lambda: (tmp_path / "elsewhere" / "file").chmod(0o755),
        (tmp_path / "elsewhere" / "empty").mkdir,
    ):
        change()
        found.append(shown(play=play)["files"])

    assert len({str(each) for each in found}) == len(found)
