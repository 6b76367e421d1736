"""What was seen where something is not as it must be stands on the screen, in the record, the report and the page."""

from __future__ import annotations

import json

import pytest
from harness.bench import Bench, step

LOOKS = {"exit": {"exit": 0}, "code": {"that": "rc == 0"}, "output": {"that": "stdout == ''"}}


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    """What is shown on the screen and in each report where a command fails, however it is verified."""
    bench = Bench(tmp_path_factory.mktemp("bench"))
    bench.hosts()
    says = "echo going on; echo warming up {0} >&2; echo disk full on /{0} >&2; exit 42"
    steps = (step(name, says.format(name), verify=[look], on_failure="continue") for name, look in LOOKS.items())
    bench.write(*steps)
    ran = bench.command("run", "RUN-900", "-i", str(bench.inventory), "--yes")
    (run,) = bench.run_ids()
    names = ("report.md", "report.html", "report.json")
    return ran, {name: (bench.state / "runs" / run / name).read_text() for name in names}


@pytest.mark.parametrize("name", LOOKS)
def test_a_command_that_fails_shows_its_exit_code_and_what_it_complained_of(complaints, name):
    ran, reports = complaints

    assert ran.code == 1
    assert "rc in" not in ran.err
    for where, text in {"the screen": ran.err, **reports}.items():
        assert f"exit code 42: disk full on /{name}" in text, where
        assert f"warming up {name}" in text, where


def looking(name, shell, **look):
    """A step whose verification does not hold, after which the run goes on."""
    return step(name, shell, verify=[look], on_failure="continue")


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What is recorded of each verification in a run of which none holds."""
    bench = Bench(tmp_path_factory.mktemp("bench"))
    bench.hosts()
    sampled, stays = bench.directory / "sampled", bench.directory / "stays"
    sample = f"echo x >> {sampled}; case $(wc -l < {sampled}) in 1) echo 70;; 2) echo 97;; *) echo 80;; esac"
    bench.write(
        looking(
            "condition",
            """echo '[{"used": 2, "size": 100}]'""",
            says="Most of it is in use",
            that="(stdout | from_json)[0].used >= 0.9 * limit",
        ),
        looking(
            "samples",
            "true",
            says="It calms down",
            command=["bash", "-c", sample],
            that="stdout | int < 60",
            within="10s",
            every="2s",
        ),
        looking(
            "stays",
            "true",
            says="Stays low",
            command=["bash", "-c", f"echo x >> {stays}; wc -l < {stays}"],
            that="stdout | int < 3",
            hold_for="5s",
        ),
        looking(
            "complains",
            "true",
            says="It is there",
            command=["bash", "-c", "echo no such table >&2; exit 3"],
            that="stdout == ''",
        ),
        looking("refuses", "true", says="Up", http="http://127.0.0.1:9/", that="status == 200"),
        looking("missing", "echo '{}'", says="Well", that="json.state == 'ok'"),
        inputs={"limit": {"type": "int", "default": 100, "help": "The size"}},
    )
    return {event["step"]: event["data"] for event in bench.run().events if event["type"] == "verification.finished"}


def test_a_condition_shows_the_values_of_its_names(checked):
    assert checked["condition"]["reason"] == (
        "(stdout | from_json)[0].used >= 0.9 * limit is not true: (stdout | from_json)[0].used = 2, limit = 100"
    )
    assert checked["condition"]["seen"]["values"] == {"(stdout | from_json)[0].used": "2", "limit": "100"}


def test_samples_are_shown_as_first_worst_and_last(checked):
    words, _, values = checked["samples"]["reason"].partition(" samples: ")

    assert words.startswith("stdout | int < 60 is not true after ")
    assert values == "stdout | int = 80 (first 70, worst 97)"


def test_a_sample_that_does_not_hold_is_shown(checked):
    assert checked["stays"]["reason"] == "stdout | int < 3 is not true after 3 samples: stdout | int = 3 (first 1)"


def test_a_probe_without_an_answer_says_why(checked):
    assert checked["complains"]["reason"] == "exit code 3: no such table"
    assert "Connection refused" in checked["refuses"]["reason"]


def test_what_is_not_there_is_said_to_be_missing(checked):
    assert checked["missing"]["seen"]["values"] == {"json.state": "not there"}
    assert checked["missing"]["reason"].endswith(": json.state = not there")


def test_a_secret_is_not_among_the_values(bench):
    secret = "s3cr3t-w0rd"
    bench.environment = {"TOKEN": secret}
    inputs = {"token": {"type": "secret", "help": "Opens it", "default": "env:TOKEN"}}
    act = {"shell": 'echo "got $WORD" >&2; exit 7', "env": {"WORD": "{{ token }}"}}
    verify = [{"says": "The same", "that": "stdout == token"}, {"exit": 7}]
    bench.write({"id": "act", "name": "Act", "on_failure": "stop", **act, "verify": verify}, inputs=inputs)

    ran = bench.run()

    assert ran.code == 1
    (verified,) = [event["data"] for event in ran.events if event["type"] == "verification.finished"]
    assert verified["seen"]["values"]["token"] == json.dumps("env:TOKEN")
    everything = (
        ran.out
        + ran.err
        + "".join(
            path.read_text() for path in bench.state.rglob("*") if path.is_file() and path.suffix in {".json", ".jsonl"}
        )
    )
    assert secret not in everything
    assert "got ***" in everything
