"""A baseline in a run: taken before step 1, kept over a resume, and never taken again after a change."""

from __future__ import annotations

import subprocess
import sys

import pytest
from harness import PATIENCE
from harness.bench import Bench, step


@pytest.mark.live
def test_a_baseline_is_that_of_before_the_first_change(tmp_path):
    # Given a step that makes a value worse, one that fails the first time, and one that brings the value back
    bench = Bench(tmp_path)
    bench.hosts()
    (tmp_path / "value").write_text("100")
    compares = {
        "command": f"cat {tmp_path}/value",
        "baseline": "stdout | int",
        "that": "stdout | int <= baseline * 1.2",
    }
    bench.write(
        step("worse", f"echo 300 > {tmp_path}/value"),
        step("gate", f"test -e {tmp_path}/open", effect="read"),
        step("back", f"echo 110 > {tmp_path}/value", verify=[{**compares, "says": "It is back"}]),
        step("bad", f"echo 200 > {tmp_path}/value", verify=[compares]),
    )
    # When it is planned, run, and resumed after that
    planned = bench.command("plan", "RUN-900", "-i", bench.inventory)
    ran = bench.run()
    (tmp_path / "open").touch()
    resumed = bench.command("resume", ran.events[0]["run"], "--yes", "--json")
    # Then the plan says that it is taken, it was taken once, and what came later is compared with it
    assert "Baseline: It is back" in planned.out
    captured = [e["data"]["values"] for e in (*ran.events, *resumed.events) if e["type"] == "values.captured"]
    assert captured == [{"baseline_back_1": 100}, {"baseline_bad_1": 100}], ran.err
    ended = {e["step"]: e["data"] for e in resumed.events if e["type"] == "verification.finished"}
    assert ended["back"]["outcome"] == "passed", resumed.err
    assert ended["bad"]["reason"] == "stdout | int <= baseline * 1.2 is not true: stdout | int = 200, baseline = 100"
    # And plain Ansible does the same
    (tmp_path / "value").write_text("100")
    words = [f"{sys.prefix}/bin/ansible-playbook", "-i", bench.inventory, tmp_path / "playbooks" / "RUN-900.yml"]
    plain = subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=tmp_path)
    assert "TASK [RUN-900/bad/verify/1 " in plain.stdout
    assert plain.returncode == 2
    # And without a number nothing is changed
    (tmp_path / "value").write_text("")
    bench.write(
        step(
            "worse",
            f"echo 1 > {tmp_path}/value",
            verify=[{**compares, "baseline": "json.used", "that": "baseline > 0"}],
        )
    )
    stopped = bench.run()
    assert (stopped.code, (tmp_path / "value").read_text()) == (1, "")
