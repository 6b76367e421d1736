"""Another runbook takes over where a step fails, and the run that handed over ends by whether that step holds by then."""

from __future__ import annotations

import pytest
from harness import PATIENCE
from harness.bench import kill, runbook_text, step, survivors, wait_until


@pytest.fixture
def hands_over(bench):
    """A run whose first step fails for want of a file; RUN-901 does what the test is given, and a step comes after."""

    def write(mends):
        bench.hosts(a={})
        mine = f"{bench.directory}/{{{{ inventory_hostname }}}}"
        looks = {"says": "It is there", "command": f"test -e {mine}.there"}
        successor = runbook_text(step("one", mends.format(mine=mine))).replace("RUN-900", "RUN-901")
        (bench.directory / "runbooks").mkdir(exist_ok=True)
        (bench.directory / "runbooks" / "RUN-901.yml").write_text(successor)
        first = step("one", f"test -e {mine}.there", verify=[looks], on_failure="RUN-901")
        bench.write(first, step("later", f"touch {mine}.later"))

    return write


def ended(bench):
    found = [record for record in bench.records() if record["type"] == "runbook.run.finished"]
    return [record["data"]["runbook"]["outcome"] for record in found]


def test_what_the_other_has_mended_holds_again_and_the_run_can_go_on_with_the_rest(bench, hands_over):
    hands_over("touch {mine}.there")

    ran = bench.run()
    parent, child = bench.run_ids()
    shown, listed = bench.command("status", parent), bench.command("list", "--runs")
    report = bench.command("show", child)

    assert (ran.code, ran.events[-1]["outcome"], ended(bench)) == (0, "handed over", ["passed", "handed over"]), ran.err
    assert [(each["run"], each["hosts"]) for each in ran.events[-1]["children"]] == [(child, ["a"])]
    assert f"handed over to the run {child}" in shown.out
    assert (parent in report.out, "handed over" in listed.out) == (True, True)
    assert not (bench.directory / "a.later").exists()
    # When it is gone on with, only what was never reached is done
    resumed = bench.command("resume", parent, "--json")
    begun = [event["step"] for event in resumed.events if event["type"] == "step.intended"]
    assert (resumed.code, resumed.events[-1]["outcome"], begun) == (0, "passed", ["later"]), resumed.err
    assert bench.command("audit", "verify").code == 0


def test_both_end_with_the_command_that_does_them(bench, hands_over):
    hands_over("touch {mine}.begun; sleep 900")
    process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--yes", "--json")
    wait_until((bench.directory / "a.begun").exists, "the other has begun", process)

    kill(process.pid)
    process.communicate(timeout=PATIENCE)

    runs = bench.run_ids()
    wait_until(lambda: not any(map(survivors, runs)), "nothing of them is left", every=0.1)
    assert "running" not in bench.command("status", "--json").out
    assert [record["type"] for record in bench.records()].count("runbook.run.abandoned") == 2


def test_hosts_that_do_not_answer_count_and_the_third_failure_stops_before_more_are_changed(bench):
    gone = {"ansible_connection": "ssh", "ansible_host": "127.0.77.99", "ansible_port": 9}
    bench.hosts(a=gone, b=gone, c={}, d={})
    mine = f"{bench.directory}/{{{{ inventory_hostname }}}}"
    bench.write(step("one", f"touch {mine}.one; test ! -e {mine}.fails"), serial=[3, 1], max_failures=2)
    (bench.directory / "c.fails").touch()

    ran = bench.run()

    assert ran.code == 1, ran.err
    assert [(bench.directory / f"{host}.one").exists() for host in ("c", "d")] == [True, False]
