"""Nothing is executed that others may change: not the runbook, its playbook, its contacts, nor an inventory."""

from __future__ import annotations

import pytest
from harness.bench import step

NAMES = ("runbooks/RUN-900.yml", "runbooks/contacts.yml", "playbooks/RUN-900.yml", "playbooks", "inventory.yml")


@pytest.mark.parametrize("mode", ["run", "plan"])
def test_what_others_may_change_is_refused_before_anything_is_done(bench, mode):
    mark = bench.directory / "mark"
    bench.write(step("act", f"touch {mark}"))
    words = (mode, "RUN-900", "-i", str(bench.inventory))

    for path in (bench.directory / name for name in NAMES):
        path.chmod(path.stat().st_mode | 0o002)
        refused = bench.command(*words)
        path.chmod(path.stat().st_mode & ~0o002)
        assert (refused.code, mark.exists()) == (2, False), refused
        assert f"{path} can be written by everybody" in refused.err
        assert f"chmod go-w {path}" in refused.err

    mended = bench.command(*words)

    assert (mended.code, mark.exists()) == (0, mode == "run"), mended


def test_an_inventory_program_that_others_may_change_is_not_started(bench):
    mark, program = bench.directory / "started", bench.directory / "hosts.sh"
    bench.write(step("act", "true"))
    program.write_text(f"#!/bin/sh\ntouch {mark}\necho '{{}}'\n")
    program.chmod(0o777)

    refused = bench.command("run", "RUN-900", "-i", str(program))

    assert (refused.code, mark.exists()) == (2, False), refused
    assert f"{program} can be written by everybody (mode 0777)" in refused.err


def test_a_link_in_the_state_directory_is_refused(bench, tmp_path):
    bench.write(step("act", "true"))
    assert bench.run().code == 0
    runs = bench.state / "runs"
    runs.rename(bench.state / "elsewhere")
    runs.symlink_to(bench.state / "elsewhere")

    refused = bench.run()

    assert refused.code == 2, refused
    assert f"{runs} is a symbolic link, and what is recorded must not lie elsewhere" in refused.err
