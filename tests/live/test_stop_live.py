"""A run that is stopped by a person, a dead terminal, a full disk or a clock that jumps ends honestly and is gone on with."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import subprocess

import pytest
from harness import PATIENCE
from harness.bench import step, wait_until
from harness.places import Place, Tree

ALL = os.environ.get("RUNBOOK_KILLS") == "all"


def tidying(place):
    return [step("tidy", f"echo tidied >> {place.log}")]


def begun(place, *, slow="sleep 900", words=(), on_cancel=(), **options):
    """The command in the midst of its second step."""
    bench = place.bench
    bench.write(
        step("first", f"echo first >> {place.log}"),
        step("slow", f"echo slow >> {place.log}; {slow}", timeout="2m"),
        step("last", f"echo last >> {place.log}"),
        on_cancel=list(on_cancel),
    )
    process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--yes", *words, **options)
    wait_until(lambda: place.done == ["first", "slow"], "the slow step has begun", process)
    return process


def finished(place, *before):
    """Whether going on with it does what is left, once; `before` is what was done until then."""
    resumed = place.bench.command("resume", "last", "--json", "--done", "slow")
    assert (resumed.code, place.done) == (0, [*before, "last"]), resumed.err
    place.nothing_is_left()


@pytest.fixture
def here(bench):
    return Place(bench, "local")


def test_a_second_ctrl_c_kills_what_does_not_obey(here):
    process = begun(here, slow="trap '' TERM INT HUP; while :; do sleep 1; done", words=["--json"])
    supervisor = Tree(process.pid).supervisor

    process.send_signal(signal.SIGINT)
    while "press Ctrl-C again to stop at once" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)

    here.nothing_is_left()
    assert (process.returncode, json.loads(out.splitlines()[-1])["outcome"]) == (130, "aborted")
    spans = [record["data"]["runbook"] for record in here.records() if record["type"] == "runbook.span.finished"]
    assert (spans[-1]["why"], supervisor in here.processes()) == ("orphaned", False)
    finished(here, "first", "slow")


CANCELLED = [("pipelined", ["--now"]), *([("tty", [])] if ALL else [])]
"""Without `--now` it is cancelled beside services (test_services_live.py) as well."""


@pytest.mark.parametrize(("place", "now"), CANCELLED, ids=["now", ""][: len(CANCELLED)], indirect=["place"])
def test_a_run_over_ssh_is_cancelled_from_elsewhere_and_tidies_up_once(place, now):
    process = begun(place, words=["--json"], on_cancel=tidying(place))

    seen = place.bench.command("status")
    stopped = place.bench.command("cancel", "last", *now)
    out, err = process.communicate(timeout=PATIENCE)

    place.nothing_is_left()
    assert ("running" in seen.out, "Slow" in seen.out) == (True, True)
    assert stopped.code == 0, stopped.err
    assert (process.returncode, json.loads(out.splitlines()[-1])["outcome"]) == (130, "aborted"), err
    finished(place, "first", "slow", "tidied")


def test_a_terminal_that_is_closed_stops_the_run_and_it_is_recorded(here):
    # Given a run on a terminal of its own, as a laptop's is
    master, terminal = pty.openpty()

    def control():
        os.setsid()
        os.close(
            os.open(os.ttyname(0), os.O_RDWR)
        )  # the first that a session leader opens is the one it is hung up with

    streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    process = begun(here, preexec_fn=control, **streams)
    os.close(terminal)
    # When
    os.close(master)
    process.wait(timeout=PATIENCE)
    # Then
    here.nothing_is_left()
    ended = [record["data"]["runbook"] for record in here.records() if record["type"] == "runbook.run.finished"]
    assert [(end["outcome"], end["exit_code"]) for end in ended] == [("aborted", 130)]
    finished(here, "first", "slow")


@pytest.fixture
def volume(tmp_path_factory):
    """A small file system of one's own; none where none can be mounted."""
    path = tmp_path_factory.mktemp("volume")
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", str(path)]
    mounted = not os.geteuid() and not subprocess.run(mount, check=False, capture_output=True).returncode
    yield path if mounted else None
    if mounted:
        subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_disk_that_is_full_in_the_midst_of_it_ends_it_and_it_is_gone_on_with(here, volume):
    if volume and not ALL:
        pytest.skip("a volume that fills up does the same, and can be had here: RUNBOOK_KILLS=all tries both")
    bench = here.bench
    # Given a run that cannot record the end of its second step: no file may grow any more from then on
    go = bench.directory / "go"
    process = begun(here, slow=f"until [ -e {go} ]; do sleep 0.2; done", words=["--json"])
    size = (bench.state / "audit" / "audit.jsonl").stat().st_size
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    # When
    go.touch()
    out, err = process.communicate(timeout=PATIENCE)
    # Then
    here.nobody_is_left()
    assert (process.returncode, "Traceback" in err, "error: Cannot write the audit log" in err) == (7, False, True), err
    assert "last" not in here.done
    assert not [line for line in out.splitlines() if '"passed"' in line and '"slow"' in line]
    assert bench.command("audit", "verify").code == 0
    finished(here, "first", "slow")


def test_a_volume_that_fills_up_in_the_midst_of_it_does_the_same(here, volume):
    if not volume:
        pytest.skip("no file system can be mounted here")
    bench = here.bench
    bench.elsewhere = volume / "state"
    go = bench.directory / "go"
    process = begun(here, slow=f"until [ -e {go} ]; do sleep 0.2; done", words=["--json"])
    filler = volume / "filler"
    with filler.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(b"x" * 512)
            except OSError:
                break
    go.touch()
    _, err = process.communicate(timeout=PATIENCE)

    here.nobody_is_left()
    assert (process.returncode, "Traceback" in err) == (7, False), err
    looked = bench.command("list", "--runs")
    assert "Traceback" not in looked.err
    filler.unlink()
    assert bench.command("audit", "verify").code == 0
    finished(here, "first", "slow")
