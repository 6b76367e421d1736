"""A pipeline is begun once, found again, waited for, and its end is told as it is: with real Ansible, against contracts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness import PATIENCE
from harness.bench import Bench, kill, wait_until
from harness.fault_server import FaultServer
from harness.pipeline_services import GitHubActions, GitLab

pytestmark = pytest.mark.live

SECRET = {"token": {"type": "secret", "default": "env:CI_TOKEN", "help": "The token"}}


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path, environment={"CI_TOKEN": "t0ken"})
    made.hosts()
    return made


def step(name, url, *, service="github", within="5m", every="250ms", timeout="2m", **keys):
    """A pipeline that is begun, and a verification that waits for it."""
    where = {service: "team/shop", "url": url, "token": "{{ token }}"}
    extra = {"workflow": "release.yml"} if service == "github" else {"marker": "RUNBOOK"}
    kept = name.replace("-", "_")
    return {
        "id": name,
        "name": name.capitalize(),
        "pipeline": {**where, "ref": "main", **extra, **keys},
        "capture": {kept: "pipeline", f"{kept}_page": "link"},
        "timeout": timeout,
        "verify": [
            {
                "says": f"{name} has succeeded",
                "pipeline": {**where, "run": f"{{{{ {kept} }}}}"},
                "within": within,
                "every": every,
            }
        ],
        "on_failure": "continue",
    }


def ends(ran):
    """The outcome of each step, and why."""
    finished = [event for event in ran.events if event["type"] == "step.finished"]
    return {event["step"]: (event["data"]["outcome"], event["data"].get("reason", "")) for event in finished}


def captured(ran):
    values = [event["data"]["values"] for event in ran.events if event["type"] == "values.captured"]
    return {name: value for each in values for name, value in each.items() if not name.startswith("runbook_")}


def test_each_end_of_a_pipeline_is_told_as_what_it_is(bench):
    # Given pipelines that end in every way, services that are not as they should be, and one that tells no id
    hub = GitHubActions(ends=["success", "cancelled", "timed_out", None], looks=1)
    old, lab = GitHubActions(tells=False, hides=1, looks=0), GitLab(ends=["failed"], looks=0)
    with (
        FaultServer("ok", service=hub) as github,
        FaultServer("ok", service=old) as older,
        FaultServer("ok", service=lab) as gitlab,
        FaultServer("html") as strange,
        FaultServer("slow") as slow,
    ):
        bench.write(
            step("passes", github.root, inputs={"version": "{{ version }}"}),
            step("is-cancelled", github.root, inputs={"n": "2"}),
            step("times-out", github.root, inputs={"n": "3"}),
            step("goes-on", github.root, inputs={"n": "4"}, within="12s", every="5s"),
            step("tells-nothing", older.root),
            step("lab-fails", gitlab.root, service="gitlab", inputs={"VERSION": "{{ version }}"}),
            step("is-refused", github.root, token="wrong-token"),
            step("has-no-ref", github.root, ref="absent"),
            step("is-strange", strange.root),
            step("is-slow", slow.root, timeout="1s"),
            step("is-away", "http://127.0.0.1:9"),
            inputs={**SECRET, "version": {"help": "A version"}},
        )
        # When all of them are begun
        ran = bench.run("-e", "version=1.10")
    # Then each has come to what it is, with what was seen
    outcomes = ends(ran)
    assert {name: outcome for name, (outcome, _) in outcomes.items()} == {
        **dict.fromkeys(outcomes, "failed"),
        **dict.fromkeys(["passes", "tells-nothing"], "passed"),
    }, ran.err
    seen = {"is-cancelled": "cancelled", "times-out": "timed_out", "goes-on": "in_progress", "lab-fails": "failed"}
    said = {"is-refused": "401", "has-no-ref": "422", "is-strange": "202", "is-slow": "imed out", "is-away": "refused"}
    expected = {name: f'conclusion = "{word}"' for name, word in seen.items()} | said
    assert {name: word for name, word in expected.items() if word not in outcomes[name][1]} == {}, outcomes
    # And what was begun is known by its id and its page, and was given what is written
    assert captured(ran)["passes"] == 1001
    assert captured(ran)["passes_page"].endswith("/actions/runs/1001")
    assert captured(ran)["tells_nothing"] == 1001
    assert (hub.begun[0]["inputs"]["version"], lab.begun[0]["inputs"]["VERSION"]) == ("1.10", "1.10")
    # And each was begun once, by nothing that the services would refuse, and no secret is to be seen
    assert [len(each.begun) for each in (hub, old, lab)] == [4, 1, 1]
    assert [*hub.faults, *old.faults, *lab.faults] == []
    assert "t0ken" not in ran.out + ran.err


def test_a_run_that_was_killed_finds_the_same_pipeline_and_begins_no_other(bench):
    # Given a run that is killed while its pipeline is being begun: the answer never arrives
    hub = GitHubActions()
    with FaultServer("ok", "accept_then_slow", service=hub) as server:
        bench.write(step("build", server.root), inputs=SECRET)
        process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--yes", "--json")
        wait_until(lambda: hub.begun, "it is begun", process)
        killed(process)
        # When it goes on
        server.modes = ("ok",)
        hub.begun[0]["end"] = None
        waiting = bench.started("resume", "last", "--yes", "--json")
        wait_until(lambda: hub.begun[0]["asked"] > 2, "it waits", waiting)
        killed(waiting)
        # And once more, while it waits
        hub.begun[0]["end"] = "success"
        ran = bench.command("resume", "last", "--yes", "--json")
    # Then it is the same one, and there is no other
    assert (ran.code, len(hub.begun)) == (0, 1), ran.err
    assert ends(ran)["build"][0] == "passed"
    assert hub.faults == []


def killed(process):
    kill(process.pid)
    process.communicate(timeout=PATIENCE)


def test_a_pipeline_that_failed_is_begun_anew_when_somebody_wants_that(bench):
    hub = GitHubActions(ends=["failure", "success"], looks=0)
    with FaultServer("ok", service=hub) as server:
        bench.write({**step("build", server.root), "on_failure": "stop"}, inputs=SECRET)
        first = bench.run()
        again = bench.command("resume", "last", "--redo", "build", "--yes", "--json")
    assert (ends(first)["build"][0], ends(again)["build"][0]) == ("failed", "passed")
    titles = [each["title"] for each in hub.begun]
    assert (len(titles), len(set(titles))) == (2, 2)


def test_plain_ansible_does_the_same(bench):
    # Given
    hub = GitHubActions(tells=False)
    with FaultServer("ok", service=hub) as server:
        bench.write(step("build", server.root), inputs=SECRET)
        # When the playbook is done twice without the product
        words = [
            Path(sys.executable).with_name("ansible-playbook"),
            "-i",
            bench.inventory,
            bench.directory / "playbooks" / "RUN-900.yml",
            "-e",
            "token=t0ken",
        ]
        done = [subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE) for _ in range(2)]
    # Then two pipelines were begun, each for itself
    assert [each.returncode for each in done] == [0, 0], done[0].stdout
    assert len({each["title"] for each in hub.begun}) == 2
    assert hub.faults == []
    assert "t0ken" not in done[0].stdout


def test_any_other_service_is_asked_by_a_request_of_its_own(bench, httpserver):
    # Given a service that begins a build, which ends after a while
    seen = []
    httpserver.expect_request("/builds", method="POST").respond_with_handler(
        lambda request: seen.append(request.headers["Idempotency-Key"]) or answer({"build": {"id": "b-7", "page": "p"}})
    )
    states = iter(["running", "running", "Failed"])
    httpserver.expect_request("/builds/b-7").respond_with_handler(lambda request: answer({"state": next(states)}))
    url = httpserver.url_for("/builds")
    look = {"http": f"{url}/{{{{ build }}}}", "conclusion": "json.state"}
    bench.write(
        {
            **step("build", ""),
            "pipeline": {
                "http": {"url": url, "body": {"ref": "main"}},
                "id": "json.build.id",
                "link": "json.build.page",
            },
            "verify": [{"says": "It is built", "pipeline": look, "within": "60s", "every": "250ms"}],
        }
    )
    # When it is begun
    ran = bench.run()
    # Then its end is told, and the request says for whom it was
    assert 'conclusion = "failed"' in ends(ran)["build"][1]
    assert captured(ran) == {"build": "b-7", "build_page": "p"}
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}-[0-9a-f]{8}_", seen[0])


def answer(content):
    from werkzeug import Response  # noqa: PLC0415

    return Response(json.dumps(content), mimetype="application/json")


def test_one_is_begun_for_each_item_taken_back_by_its_undo_and_none_by_a_dry_run(bench):
    # Given a pipeline for each of two regions, whose undo begins another one, and a step that fails after them
    hub = GitHubActions(looks=0)
    with FaultServer("ok", service=hub) as server:
        build = step("build", server.root, inputs={"region": "{{ item }}"})
        back = {**build["pipeline"], "inputs": {"region": "{{ item }}", "back": "yes"}}
        undo = {"pipeline": back, "verify": [{"says": "It began", "that": "status == 200"}]}
        fails = {"id": "fails", "name": "Fails", "command": "false", "verify": [{"exit": 0}], "on_failure": "undo"}
        look = {**build["verify"][0], "pipeline": {**build["verify"][0]["pipeline"], "run": "{{ pipeline }}"}}
        bench.write(
            {**build, "each": ["north", "south"], "undo": undo, "verify": [look], "on_failure": "undo"},
            fails,
            inputs=SECRET,
        )
        # When it is rehearsed, and then done
        rehearsed = bench.command("run", "RUN-900", "-i", bench.inventory, "--dry-run", "--json")
        begun_by_rehearsal = len(hub.begun)
        ran = bench.run()
    # Then the rehearsal has begun none, and each item has one of its own, and one that takes it back, the last one first
    assert (rehearsed.code, begun_by_rehearsal) == (0, 0), rehearsed.err
    given = [(each["inputs"]["region"], each["inputs"].get("back", "")) for each in hub.begun]
    assert given == [("north", ""), ("south", ""), ("south", "yes"), ("north", "yes")], ran.out[-3000:]
    assert len({each["title"] for each in hub.begun}) == 4
    assert hub.faults == []
