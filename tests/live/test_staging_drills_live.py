"""A drill on a team's own staging, over SSH: what it breaks is taken back once, and nothing stays, whoever dies when.

`RUNBOOK_DRILL_SHOTS=10` shoots it at ten points instead of one, and on this very machine as well.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness import PATIENCE
from harness.fakes import runbook_file
from harness.staging import staging
from harness.staging_drill import installation_of, mark_of

from runner.services.drills.owed_faults import take_back_abandoned

pytestmark = pytest.mark.live

SHOTS = int(os.environ.get("RUNBOOK_DRILL_SHOTS", "1"))
WAYS = ("ssh", "local") if SHOTS > 1 else ("ssh",)
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
POINTS = [
    *[("fault", 0.0), ("armed", 0.5), ("well", 1.5), ("proven", 0.7), ("run", 2.0)],
    *[("armed", 0.0), ("well", 0.7), ("run", 0.5), ("ended", 0.2), ("proven", 0.0)],
]
"""After which moment of the drill, and how many seconds later."""


@pytest.fixture(scope="module", params=WAYS)
def place(request, tmp_path_factory):
    with staging(tmp_path_factory.mktemp("staging")) as place:
        place.leads = LOCAL if request.param == "local" else place.way("web1")
        subprocess.run([sys.executable, "-m", "runner", "compile"], cwd=place.root, check=True)
        yield place


@pytest.fixture(autouse=True)
def library(place):
    place.write()
    place.write_inventory(hosts={"web": {"web1": place.leads}})


def shot(place, point, grace):
    """Drill, and kill the command at `point`; what it has said until then."""
    place.done.unlink(missing_ok=True)
    words = [sys.executable, "-m", "harness.staging_drill", str(place.root), str(grace)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as command:
        word, seconds = point
        said = []
        for line in command.stdout:
            said.append(line.split()[0])
            if said[-1] == word:
                break
        time.sleep(seconds)
        command.kill()
    return said


def left_on_the_host(place):
    return [str(path) for path in Path("/var/tmp").glob(f"runbook-drill-*-{mark_of(place.root)}")]


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)


@pytest.mark.parametrize("point", POINTS[:SHOTS], ids=str)
def test_the_next_command_takes_back_what_one_that_was_killed_has_broken(place, point):
    place.write(budget="5m")  # so that a busy machine comes to the point, too

    said = shot(place, point, grace=600)

    assert said[-1] == point[0]
    take_back_abandoned(installation_of(place.root))

    assert (place.broken.exists(), place.undone <= 1, left_on_the_host(place)) == (False, True, [])
    assert installation_of(place.root).state.owed_undos.all() == []


@pytest.mark.parametrize("point", POINTS[:SHOTS], ids=str)
def test_where_no_command_comes_back_the_host_takes_it_back_by_itself(place, point):
    shot(place, point, grace=5)  # 25 seconds after the undo was armed

    wait_until(lambda: not place.broken.exists() and not left_on_the_host(place))

    assert (place.broken.exists(), place.undone <= 1, left_on_the_host(place)) == (False, True, [])
    undone = place.undone
    take_back_abandoned(installation_of(place.root))
    assert (place.undone, installation_of(place.root).state.owed_undos.all()) == (undone, [])


def drilled(place):
    place.done.unlink(missing_ok=True)
    words = ["drill", "RUN-100", "-i", "inventories/staging", "--yes"]
    return subprocess.run(
        [sys.executable, "-m", "runner", *words], cwd=place.root, capture_output=True, text=True, check=False
    )


def test_a_drill_is_announced_done_and_taken_back_once_and_nothing_stays(place):
    data, saved = place.page.with_name("data"), place.page.with_name("saved")
    data.write_text("before")
    commands = {"drill_snapshot": f"cp {data} {saved}", "drill_restore": f"echo restored >{data}; rm {saved}"}
    place.write_inventory(hosts={"web": {"web1": place.leads | commands}})
    place.write(announce=["team"], restores="snapshot")

    ran = drilled(place)

    (run,) = re.findall(r"^ .* run (\S+) of RUN-100", ran.stderr, re.MULTILINE)
    left = list(Path("/var/tmp").glob(f"runbook-drill-{run}"))
    assert (ran.returncode, place.undone, left) == (0, 1, []), ran.stderr
    assert re.search(r"web1 \((setsid|systemd-run|at)\) would take it back without us", ran.stderr)
    assert "Somebody breaks the web server  on web1" in ran.stderr
    assert (data.read_text(), saved.exists()) == ("restored\n", False)
    assert place.announced == [
        "web1: a drill of RUN-100 begins: what is broken now is broken on purpose",
        "web1: the drill of RUN-100 is over: what was broken is taken back",
    ]


def test_a_drill_ends_where_a_condition_holds_and_is_taken_back(place):
    breaks = {"name": "Somebody breaks the web server", "shell": f"touch {place.broken}; sleep 3", "timeout": "9s"}
    place.write(inject=breaks, abort_if=[{"says": "Too much is broken", "http": place.url, "that": "status == 503"}])

    ran = drilled(place)

    assert (ran.returncode, place.undone, place.broken.exists()) == (1, 1, False), ran.stderr
    assert "FAILED   RUN-100, as written: Too much is broken\n" in ran.stdout


def test_where_the_system_is_not_well_before_it_says_how_to_look_whether_its_hosts_answer(tmp_path):
    act = {"inject": {"command": "true"}, "symptom": {"that": "status == 503"}, "undo": {"command": "true"}}
    runbook_file(tmp_path, hosts="web", drill={"probe": {"http": "http://127.0.0.1:9/"}, **act})
    leads = {"runbook_environment": "lab", **LOCAL}
    (tmp_path / "inventory.yml").write_text(json.dumps({"web": {"hosts": {"web1": leads}}}))
    command = [sys.executable, "-m", "runner"]
    subprocess.run([*command, "compile"], cwd=tmp_path, check=True, capture_output=True)

    words = [*command, "drill", "RUN-001", "-i", "inventory.yml", "--yes"]
    ran = subprocess.run(words, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=PATIENCE)

    said = ran.stderr.splitlines()[-1]
    assert (ran.returncode, said.startswith("next     see whether its hosts answer: ")) == (1, True)
    assert said.endswith("preflight RUN-001 -i inventory.yml; runbook lab status tells of a lab")
