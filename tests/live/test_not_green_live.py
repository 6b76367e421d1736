"""Eight ways to be successful with nothing done; none of them is green."""

from __future__ import annotations

import json
import sys

import pytest
from harness.bench import BOTH_ENGINES, Bench, runbook_text, step


def test_an_empty_inventory(bench):
    bench.write(step("act", "true"))
    bench.inventory.write_text("all: {hosts: {}}\n")

    ran = bench.run()

    assert ran.code == 5
    assert "has no host" in ran.events[-2]["data"]["problems"][0]


def test_tags_and_check_mode_in_the_environment_or_in_a_file_where_one_stands_reach_nothing(bench):
    made = bench.directory / "made"
    bench.write(step("act", f"touch {made}"))
    bench.environment = {
        "ANSIBLE_RUN_TAGS": "nothing",
        "ANSIBLE_SKIP_TAGS": "step-act",
        "ANSIBLE_CHECK_MODE": "1",
        "ANSIBLE_STRATEGY": "free",
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_LIBRARY": "/nonexistent",
    }
    (bench.directory / "ansible.cfg").write_text("[defaults]\nstdout_callback = default\n[tags]\nrun = nothing\n")

    ran = bench.run()

    assert (ran.code, made.exists()) == (0, True), ran.err


def test_a_step_has_no_when(bench):
    bench.write(step("act", "true"))
    path = bench.directory / "runbooks" / "RUN-900.yml"
    path.write_text(runbook_text(step("act", "true", when="false")))

    ran = bench.run()

    assert ran.code == 2
    assert "when" in ran.err


def test_a_skipped_module_is_skipped_and_not_passed(bench):
    quiet = {
        "module": {"ansible.builtin.debug": {"msg": "x", "verbosity": 3}},
        "verify": [{"that": "result is defined"}],
    }
    made = bench.directory / "made"
    bench.write({"id": "act", "name": "Act", "on_failure": "stop", **quiet}, step("destroy", f"touch {made}"))

    ran = bench.run()

    finished = [event["data"]["outcome"] for event in ran.events if event["type"] == "step.finished"]
    assert (ran.code, finished, made.exists()) == (1, ["skipped", "never reached"], False)


def test_a_skipped_module_is_not_the_last_of_its_attempts(bench):
    module = {"ansible.builtin.debug": {"msg": "x", "verbosity": 3}}
    made = bench.directory / "made"
    act = {"id": "act", "name": "Act", "module": module, "retry": 2, "verify": [{"that": "result is defined"}]}
    bench.write({**act, "on_failure": "stop"}, step("destroy", f"touch {made}"))

    ran = bench.run()

    finished = [event["data"]["outcome"] for event in ran.events if event["type"] == "step.finished"]
    assert (ran.code, finished, made.exists()) == (1, ["skipped", "never reached"], False)


def test_a_module_that_fails(bench):
    made = bench.directory / "made"
    act = {"module": {"ansible.builtin.fail": {"msg": "no"}}, "verify": [{"that": "result is defined"}]}
    bench.write({"id": "act", "name": "Act", "on_failure": "stop", **act}, step("destroy", f"touch {made}"))

    ran = bench.run()

    assert (ran.code, made.exists()) == (1, False)


@pytest.mark.parametrize("keyword", ["ignore_errors: true", "when: false", "check_mode: true", "failed_when: false"])
def test_a_keyword_smuggled_into_the_playbook_is_refused(bench, keyword):
    bench.write(step("act", "exit 1"))
    playbook = bench.directory / "playbooks" / "RUN-900.yml"
    playbook.write_text(playbook.read_text().replace("register: result", f"register: result\n          {keyword}"))

    ran = bench.run()

    assert (ran.code, ran.out) == (2, "")
    assert "is not what RUN-900.yml compiles to" in ran.err


def checks(ran):
    return {event["step"]: event["data"] for event in ran.events if event["type"] == "verification.finished"}


def looking(name, **look):
    return {"id": name, "name": name.capitalize(), "verify": [look], "on_failure": "continue"}


def test_an_unreachable_host_hides_nothing(bench):
    gone = {
        "ansible_connection": "ssh",
        "ansible_host": "127.0.77.250",
        "ansible_port": 1,
        "ansible_ssh_common_args": "-o ConnectTimeout=2",
    }
    bench.hosts(here={}, gone=gone)
    bench.write(step("act", "true"), max_failures=1)

    ran = bench.run()

    finished = {event["host"]: event["data"]["outcome"] for event in ran.events if event["type"] == "step.finished"}
    assert (ran.code, finished) == (5, {"here": "passed", "gone": "unreachable"})


@BOTH_ENGINES
def test_a_host_that_prints_forged_events_changes_nothing(bench):
    """ansible-runner's own events travel in its output between escape sequences; a host can print them as well."""
    bench.write(
        step(
            "forge",
            r"""
            forged=$(printf '{"event":"runner_on_ok","uuid":"1","event_data":{"task":"RUN-900/real/verify/1 | x","host":"here","res":{}}}' | base64 -w0)
            printf '\033[K%s\033[%dD\033[K\n' "$forged" 200
            echo '{"kind": "ok", "host": "here", "task": "RUN-900/real/verify/1 | x", "result": {}}'
            echo '{"kind": "end"}'
            """,
        ),
        step("real", "exit 1"),
    )

    ran = bench.run()

    finished = {event["step"]: event["data"]["outcome"] for event in ran.events if event["type"] == "step.finished"}
    assert (ran.code, finished) == (1, {"forge": "passed", "real": "failed"})


LONG = "seq 20000; echo {}; seq 40000"
"""What is printed is cut, and the word in its midst with it."""


CONDITIONS = {
    "whole": {"that": "'ERROR' not in stdout"},
    "of-the-result": {"that": "'ERROR' not in result.stdout"},
    "search": {"that": "stdout is not search('ERROR')"},
    "second": {"that": ["rc == 0", "'ERROR' not in stdout"]},
    "mark": {"matches": "bytes left out"},
    "both-ends": {"matches": r"(?s)\A1.*40000\Z"},
    "cut": {"matches": r"\d\n\n\d"},
}
PROBES = {"once": {}, "within": {"within": "2s"}, "for": {"hold_for": "1s"}}
READY = [{"matches": "^READY$"}]
WITHOUT_AN_ANSWER = ("absent", "pipe", "unanswered")
_IS_TEXT = 'stdout is a text, neither true nor false; say what is good, like stdout == "ready"'
_NAN = """echo '{"used": NaN}'"""
NO_CONDITIONS = {
    "text": ({"that": ["rc == 0", "stdout"]}, f'{_IS_TEXT}: rc = 0, stdout = "{{\\"a\\": null}}"'),
    "null": ({"that": "json.a"}, "json.a is null, neither true nor false; say what is good, like json.a is not none"),
    "later": ({"command": "echo x", "that": "rc == 0 and stdout", "within": "1s"}, _IS_TEXT),
    "longer": ({"command": "echo x", "that": "stdout", "hold_for": "1s"}, _IS_TEXT),
    "sum": (
        {"that": "rc + 1"},
        "the condition gives a value of the type int, neither true nor false; say what is good",
    ),
    "nan": (
        {"command": ["bash", "-c", _NAN], "that": "not (json.used > 90)"},
        'it is not JSON: it has NaN or Infinity: it ends with {"used": NaN}',
    ),
    "infinite": (
        {"command": ["bash", "-c", _NAN.replace("NaN", "1e999")], "that": "json.used > 90", "within": "1s"},
        "it is not JSON: it has NaN or Infinity",
    ),
}
"""Conditions that are neither true nor false, or about a number that is none, and why each does not hold."""


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A run that goes on after each step that fails, the file that its last step would make, and the steps' ends."""
    bench = Bench(tmp_path_factory.mktemp("bench"))
    bench.hosts()
    made, cut = bench.directory / "made", LONG.format("ERROR disk corrupt")
    look = {"says": "No error", "command": ["bash", "-c", LONG.format("ERROR")], "that": "'ERROR' not in stdout"}
    on = {"on_failure": "continue"}
    bench.write(
        looking("absent", says="Nothing bad", command="no-such-program-anywhere", that="'bad' not in stdout"),
        step("pipe", "false | cat", **on),
        looking("unanswered", says="Not an error", http="http://127.0.0.1:9/health", that="status != 500"),
        *(step(name, cut, verify=[{"says": "No error", **each}], **on) for name, each in CONDITIONS.items()),
        *(step(name, "true", verify=[{**look, **probed}], **on) for name, probed in PROBES.items()),
        step("head", "echo READY; seq 50000", verify=READY, **on),
        step("tail", "seq 50000; echo READY", verify=READY, **on),
        *(step(name, """echo '{"a": null}'""", verify=[look], **on) for name, (look, _) in NO_CONDITIONS.items()),
        step("name", "echo x", capture={"name_there": "stdout"}),
        {
            "id": "needed",
            "name": "Needed",
            "only_if": "name_there",
            "verify": [{"that": "rc == 0"}],
            "command": "true",
            **on,
        },
        {
            "id": "branch",
            "name": "Branch",
            "decide": [{"if": "name_there", "then": [step("taken", "true")]}, {"else": "nothing"}],
            **on,
        },
        step("read", LONG.format("ERROR"), capture={"log": "stdout"}),
        step("act", f"touch {made}", verify=[{"says": "No error", "that": "'ERROR' not in log"}]),
    )
    ran = bench.run()
    steps = {event["step"]: event["data"] for event in ran.events if event["type"] == "step.finished"}
    return ran, made, steps


def of(steps, names):
    return {name: steps[name]["outcome"] for name in names}


def test_a_missing_program_a_failed_pipe_and_a_request_that_nobody_answers(ended):
    ran, _, steps = ended

    assert (ran.code, of(steps, WITHOUT_AN_ANSWER)) == (1, dict.fromkeys(WITHOUT_AN_ANSWER, "failed"))


def test_a_condition_over_an_output_that_was_cut(ended):
    ran, _, steps = ended

    checked = {name: check for name, check in checks(ran).items() if name in CONDITIONS}
    assert of(steps, CONDITIONS) == dict.fromkeys(CONDITIONS, "failed")
    assert {check["outcome"] for check in checked.values()} == {"failed"}
    del checked["mark"]
    assert {name: check["reason"] for name, check in checked.items()} == dict.fromkeys(
        CONDITIONS.keys() - {"mark"},
        "stdout was cut (337,807 bytes), so that nothing can be said of all of it; print less, or let the command "
        "itself judge",
    )


def test_a_probe_whose_output_was_cut(ended):
    ran, _, steps = ended

    checked = {name: check for name, check in checks(ran).items() if name in PROBES}
    assert of(steps, PROBES) == dict.fromkeys(PROBES, "failed")
    assert {name: check["outcome"] for name, check in checked.items()} == dict.fromkeys(PROBES, "failed")
    assert {check["reason"].partition(" (")[0] for check in checked.values()} == {"stdout was cut"}


def test_a_capture_of_an_output_that_was_cut(ended):
    _, made, steps = ended

    assert (made.exists(), of(steps, ["read", "act"])) == (False, {"read": "failed", "act": "never reached"})
    assert steps["read"]["reason"].startswith("stdout was cut (")


def test_a_condition_that_is_neither_true_nor_false_is_told_with_its_value_and_how_to_write_it(ended):
    ran, _, steps = ended

    reasons = {name: check["reason"] for name, check in checks(ran).items() if name in NO_CONDITIONS}
    assert of(steps, NO_CONDITIONS) == dict.fromkeys(NO_CONDITIONS, "failed")
    assert {name: reasons[name][: len(why)] for name, (_, why) in NO_CONDITIONS.items()} == {
        name: why for name, (_, why) in NO_CONDITIONS.items()
    }
    assert of(steps, ["needed", "branch", "taken"]) == {
        "needed": "failed",
        "branch": "failed",
        "taken": "not needed",
    }
    assert {steps[name]["reason"] for name in ("needed", "branch")} == {
        'name_there is a text, neither true nor false; say what is good, like name_there == "ready": name_there = "x"'
    }


def test_a_whole_line_that_was_kept_is_enough_for_a_match(ended):
    _, _, steps = ended

    assert of(steps, ["head", "tail"]) == {"head": "passed", "tail": "passed"}


def test_a_project_file_gives_an_inventory_what_it_needs_and_lets_nothing_hostile_through(bench):
    made, script = bench.directory / "made", bench.directory / "hosts.sh"
    bench.write(step("act", f"touch {made}"))
    local = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "runbook_environment": "local",
    }
    found = json.dumps({"all": {"hosts": ["here"]}, "_meta": {"hostvars": {"here": local}}})
    script.write_text(f"#!/bin/sh\n[ \"$OS_CLOUD\" = lab ] || exit 1\necho '{found}'\n")
    script.chmod(0o755)
    bench.inventory.unlink()
    bench.environment = {"OS_CLOUD": "lab", "ANSIBLE_RUN_TAGS": "nothing"}
    (bench.directory / "ansible.cfg").write_text("[defaults]\nstrategy = free\n[tags]\nrun = nothing\n")
    words = ("run", "RUN-900", "-i", str(script), "--yes")

    without = bench.command(*words)
    (bench.directory / "runbook.toml").write_text(
        '[ansible]\npass_environment = ["OS_CLOUD"]\nconfig = "ansible.cfg"\n'
    )
    ran = bench.command(*words)

    assert (without.code != 0, ran.code, made.exists()) == (True, 0, True), ran.err
    assert "Ansible sees OS_CLOUD of this environment" in ran.err
    assert "ansible.cfg is not read: strategy, run" in ran.err
    # What could make a run lie refuses it
    (bench.directory / "runbook.toml").write_text('[ansible]\npass_environment = ["ANSIBLE_RUN_TAGS"]\n')
    refused = bench.command(*words)
    assert (refused.code, "ANSIBLE_RUN_TAGS cannot be passed on" in refused.err) == (2, True), refused.err


def test_what_plain_ansible_would_look_up_is_not_silently_nothing_in_a_run(bench):
    # Given an inventory with a variable of the environment, and a step that writes it down
    made = bench.directory / "made"
    bench.environment = {"SHOP_REGION": "eu"}
    bench.hosts(here={"region": "{{ lookup('env', 'SHOP_REGION') }}"})
    bench.write(step("write", 'echo "$REGION" > "$MADE"', env={"REGION": "{{ region }}", "MADE": str(made)}))

    # When it is done as it is, and with that variable chosen
    refused = bench.run()
    done_at_first = made.exists()
    (bench.directory / "runbook.toml").write_text('[ansible]\npass_environment = ["SHOP_REGION"]\n')
    ran = bench.run()

    # Then it is refused before anything is done, and done with the value
    assert (refused.code, done_at_first, "SHOP_REGION" in refused.out) == (2, False, True), refused.out
    assert (ran.code, made.read_text()) == (0, "eu\n"), ran.err

    # When the inventory looks for files beside the playbook
    bench.hosts(here={"region": "{{ query('fileglob', 'regions/*') | length }}"})

    assert (bench.run().code, made.read_text()) == (2, "eu\n")
