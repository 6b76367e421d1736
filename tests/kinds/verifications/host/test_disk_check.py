"""Space and inodes are judged as `df` counts them, rounded down; what has no inodes has not enough of them."""

from __future__ import annotations

import subprocess

import pytest

from runner.kinds.verifications.host.disk_check import Disk

HEAD = " Avail Used IFree Inodes Mounted on\n"


def disk(**query):
    return Disk.model_validate({"disk": {"path": "/var", **query}})


@pytest.mark.parametrize(
    ("query", "line", "verdict"),
    [
        ({"free": "20 %"}, "20 80 0 0 /var", ""),
        ({"free": "20%"}, "1999 8001 0 0 /var", "facts.free_percent >= 20"),
        ({"free": "5 GB"}, "5000000000 1 0 0 /var", ""),
        ({"free": "5 GB"}, "4999999999 1 0 0 /var", "facts.free_GB >= 5"),
        ({"free": "5 GiB"}, "5000000000 1 0 0 /var", "facts.free_GiB >= 5"),
        ({"free": "1.5 kB"}, "1500 1 0 0 /var", ""),
        ({"free": "0 %", "inodes": "10 %"}, "1 1 10 100 /var", ""),
        ({"free": "0 %", "inodes": "10 %"}, "1 1 99 1000 /var", "facts.inodes_free_percent >= 10"),
        ({"free": "0 %", "inodes": "0 %"}, "1 1 0 0 /var", "facts.inodes_free_percent >= 0: "),
        ({"free": "0 %", "inodes": "0 %"}, "1 1 - - /var", "facts.inodes_free_percent >= 0: "),
        ({"free": "1 %"}, "0 0 0 0 /proc", "facts.free_percent >= 1"),
        ({"free": "1 %"}, "nonsense", "facts.free_percent >= 1: "),
    ],
)
def test_what_df_prints_is_judged(judge, query, line, verdict):
    assert judge(disk(**query), stdout=HEAD + line).startswith(verdict or "")
    assert bool(judge(disk(**query), stdout=HEAD + line)) == bool(verdict)


def test_where_the_file_system_hangs_may_be_asked_for(judge):
    line = f"{HEAD}1 1 0 0 /mnt/a disk"

    assert judge(disk(free="1 %"), "facts.mount == '/mnt/a disk'", stdout=line) == ""
    assert judge(disk(free="1 %"), "facts.mount == '/'", stdout=line) == "facts.mount == '/'"


def test_a_real_df_is_understood_and_a_path_that_is_not_there_is_no_answer(judge, argv, tmp_path):
    (tmp_path / "with space").mkdir()
    verdicts = {}
    for name in ("with space", "none"):
        kind = disk(path=str(tmp_path / name), free="1 kB")
        done = subprocess.run(argv(kind)[0], capture_output=True, text=True, check=False)
        verdicts[name] = judge(kind, rc=done.returncode, stdout=done.stdout).partition(" ")[0]

    assert verdicts == {"with space": "", "none": "probe.rc"}


@pytest.mark.parametrize("free", ["20", "100 %", "5 gb", "much", "-1 %", ""])
def test_an_amount_has_a_unit(refusals, free):
    assert len(refusals(Disk, disk={"path": "/", "free": free})) == 1


def test_it_is_said_in_words():
    assert disk(free="20 %", inodes="10 %").describe() == "/var has 20 % free, and 10 % of the inodes"
