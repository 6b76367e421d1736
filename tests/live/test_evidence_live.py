"""What was seen where something is not as it must be stands on the screen, in the record, the report and the page."""

from __future__ import annotations

import json

import pytest
from harness.bench import step


def ended(ran, kind="verification.finished"):
    return [event["data"] for event in ran.events if event["type"] == kind]


@pytest.mark.parametrize("verify", [[{"exit": 0}], [{"that": "rc == 0"}], [{"that": "stdout == ''"}]])
def test_a_command_that_fails_shows_its_exit_code_and_what_it_complained_of(bench, verify):
    bench.write(step("act", "echo going on; echo warming up >&2; echo disk full on /var >&2; exit 42", verify=verify))

    ran = bench.command("run", "RUN-900", "-i", str(bench.inventory), "--yes")

    assert ran.code == 1
    assert "exit code 42: disk full on /var" in ran.err
    assert "warming up" in ran.err
    assert "rc in" not in ran.err
    (run,) = bench.run_ids()
    for name in ("report.md", "report.html", "report.json"):
        text = (bench.state / "runs" / run / name).read_text()
        assert "exit code 42: disk full on /var" in text, name
        assert "warming up" in text, name


def test_a_condition_shows_the_values_of_its_names(bench):
    rows = '[{"used": 2, "size": 100}]'
    verify = [{"says": "Most of it is in use", "that": "(stdout | from_json)[0].used >= 0.9 * limit"}]
    inputs = {"limit": {"type": "int", "default": 100, "help": "The size"}}
    bench.write(step("act", f"echo '{rows}'", verify=verify), inputs=inputs)

    (checked,) = ended(bench.run())

    assert checked["reason"] == (
        "(stdout | from_json)[0].used >= 0.9 * limit is not true: (stdout | from_json)[0].used = 2, limit = 100"
    )
    assert checked["seen"]["values"] == {"(stdout | from_json)[0].used": "2", "limit": "100"}


def test_samples_are_shown_as_first_worst_and_last(bench):
    count = bench.directory / "count"
    look = f"echo x >> {count}; case $(wc -l < {count}) in 1) echo 70;; 2) echo 97;; *) echo 80;; esac"
    probe = {
        "says": "It calms down",
        "command": ["bash", "-c", look],
        "that": "stdout | int < 60",
        "within": "10s",
        "every": "200ms",
    }
    bench.write(step("act", "true", verify=[probe]))

    (checked,) = ended(bench.run())

    words, _, values = checked["reason"].partition(" samples: ")
    assert words.startswith("stdout | int < 60 is not true after ")
    assert values == "stdout | int = 80 (first 70, worst 97)"


def test_a_sample_that_does_not_hold_is_shown(bench):
    count = bench.directory / "count"
    look = f"echo x >> {count}; wc -l < {count}"
    probe = {"says": "Stays low", "command": ["bash", "-c", look], "that": "stdout | int < 3", "hold_for": "5s"}
    bench.write(step("act", "true", verify=[probe]))

    (checked,) = ended(bench.run())

    assert checked["reason"] == "stdout | int < 3 is not true after 3 samples: stdout | int = 3 (first 1)"


def test_a_probe_without_an_answer_says_why(bench):
    look = [
        {"says": "It is there", "command": ["bash", "-c", "echo no such table >&2; exit 3"], "that": "stdout == ''"}
    ]
    bench.write(step("act", "true", verify=look))
    assert [each["reason"] for each in ended(bench.run())] == ["exit code 3: no such table"]

    bench.write(step("act", "true", verify=[{"says": "Up", "http": "http://127.0.0.1:9/", "that": "status == 200"}]))
    (checked,) = ended(bench.run())
    assert "Connection refused" in checked["reason"]


def test_what_is_not_there_is_said_to_be_missing(bench):
    bench.write(step("act", "echo '{}'", verify=[{"says": "Well", "that": "json.state == 'ok'"}]))

    (checked,) = ended(bench.run())

    assert checked["seen"]["values"] == {"json.state": "not there"}
    assert checked["reason"].endswith(": json.state = not there")


def test_a_secret_is_not_among_the_values(bench):
    secret = "s3cr3t-w0rd"
    bench.environment = {"TOKEN": secret}
    inputs = {"token": {"type": "secret", "help": "Opens it", "default": "env:TOKEN"}}
    act = {"shell": 'echo "got $WORD" >&2; exit 7', "env": {"WORD": "{{ token }}"}}
    verify = [{"says": "The same", "that": "stdout == token"}, {"exit": 7}]
    bench.write({"id": "act", "name": "Act", "on_failure": "stop", **act, "verify": verify}, inputs=inputs)

    ran = bench.run()

    assert ran.code == 1
    (checked,) = ended(ran)
    assert checked["seen"]["values"]["token"] == json.dumps("env:TOKEN")
    everything = (
        ran.out
        + ran.err
        + "".join(
            path.read_text() for path in bench.state.rglob("*") if path.is_file() and path.suffix in {".json", ".jsonl"}
        )
    )
    assert secret not in everything
    assert "got ***" in everything
