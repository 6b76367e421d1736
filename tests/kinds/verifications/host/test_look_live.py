"""Every kind that looks at a host, as a run makes it: it passes, fails with what was seen, and is no answer when that is none."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from harness import PATIENCE
from harness.bench import Bench, step
from harness.tls_server import Authority, tls_server

TOKEN = "the-value-that-nobody-sees"


@pytest.fixture
def bench(tmp_path):
    """A machine; one whose Python prints nonsense, and one whose Python hangs; and one from which others are looked at."""
    made = Bench(tmp_path, {"FILE_TOKEN": TOKEN})
    programs = {
        "garbled": "echo nonsense",
        "stuck": "exec sleep 900",
        "other": f'touch {tmp_path}/other; exec python3 "$@"',
    }
    for name, text in programs.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "python").write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name / "python").chmod(0o755)
    made.hosts(here={}, **{name: {"runbook_python": f"{tmp_path}/{name}/python"} for name in programs})
    return made


@pytest.fixture
def checks(tmp_path):
    """By name, a verification of each kind and why it fails; nothing where it passes."""
    authority = Authority(tmp_path)
    odd = tmp_path / "-odd 'name' $(reboot)"
    odd.write_text(f"it has {TOKEN} in it")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as gone:
        port, closed = (each.getsockname()[1] for each in (server, gone))
        gone.close()
        expired = authority.certificate("shop.test", days=(-9, -1))
        with tls_server(authority.certificate("localhost", days=(-1, 9))) as secure, tls_server(expired) as old:
            trusted = {"ca": str(authority.path), "valid_for": "7d"}
            yield {
                "port": ({"port": {"open": port}}, ""),
                "port-from": ({"port": {"open": port, "address": "127.0.0.1", "from": "other"}}, ""),
                "port-bad": ({"port": {"open": closed}}, "facts.state == 'open' is not true: facts.state = \"closed\""),
                "file": ({"file": {"path": str(odd), "contains": "{{ token }}", "newer_than": "1h"}}, ""),
                "file-bad": ({"file": {"path": str(odd), "mode": "0600"}}, 'facts.mode = "0644"'),
                "process": ({"process": {"name": "python3-none", "count": 0}}, ""),
                "process-bad": (
                    {"process": {"name": "no-such-program"}},
                    "facts.count >= 1 is not true: facts.count = 0",
                ),
                "certificate": ({"certificate": {"address": f"localhost:{secure}", **trusted}}, ""),
                "certificate-bad": (
                    {"certificate": {"address": f"127.0.0.1:{old}", "name": "shop.test", **trusted}},
                    "facts.fault == 'none' is not true: facts.fault = \"expired on ",
                ),
                "disk": ({"disk": {"path": str(tmp_path), "free": "1 kB"}}, ""),
                "disk-bad": ({"disk": {"path": str(tmp_path), "free": "99999 TB"}}, "facts.free_TB = "),
                "disk-none": ({"disk": {"path": str(tmp_path / "none"), "free": "1 %"}}, "No such file or directory"),
            }


@pytest.mark.live
def test_each_kind_passes_fails_with_what_was_seen_and_does_not_take_nonsense(bench, checks):
    # Given a step for each check, those that look once more where Python prints nonsense, and one where it hangs
    token = {"type": "secret", "help": "A text", "default": "env:FILE_TOKEN"}
    looks = {"port-bad", "file-bad", "process-bad", "certificate-bad"}
    steps = [
        step(name, "true", verify=[check], on_failure="continue", hosts="here:garbled" if name in looks else "here")
        for name, (check, _) in checks.items()
    ]
    hangs = {**checks["port"][0], "within": "1s"}
    bench.write(*steps, step("hangs", "true", verify=[hangs], hosts="stuck"), inputs={"token": token})
    # When it is run
    ran = bench.run()
    failed = {
        (event["step"], event["host"]): event["data"]["reason"]
        for event in ran.events
        if event["type"] == "verification.finished" and event["data"]["outcome"] != "passed"
    }
    # Then on the machine where everything works those failed that had to, each with what was seen
    wanted = {name: why for name, (_, why) in checks.items() if why}
    assert {name for name, host in failed if host == "here"} == wanted.keys(), ran.err
    assert [(name, failed[name, "here"]) for name, why in wanted.items() if why not in failed[name, "here"]] == []
    # And nonsense is no answer, nor is nothing in time; and another machine looked where it was asked to
    assert {name for name, host in failed if host == "garbled"} == looks
    assert {"the output is not JSON" in reason for (_, host), reason in failed.items() if host == "garbled"} == {True}
    assert failed["hangs", "stuck"].startswith("timed out on the host after 1s")
    assert (bench.directory / "other").exists()
    # And the secret in an argument of one of them is nowhere
    kept = [path for path in bench.state.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert (TOKEN in ran.out + ran.err, kept) == (False, [])


@pytest.mark.live
def test_plain_ansible_and_a_dry_run_judge_the_same(bench, checks):
    good = {name: check for name, (check, why) in checks.items() if not why and name != "file"}
    bad, _ = checks["port-bad"]
    prerequisites = [{"name": name, "command": "true", "verify": [check]} for name, check in good.items()]
    bench.write(step("bad", "true", effect="read", verify=[bad]), hosts="here", prerequisites=prerequisites)

    dry = bench.run("--dry-run")
    words = [f"{sys.prefix}/bin/ansible-playbook", "-i", bench.inventory, bench.directory / "playbooks" / "RUN-900.yml"]
    plain = subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=bench.directory)

    finished = {event["step"]: event["data"]["outcome"] for event in dry.events if event["type"] == "step.finished"}
    assert finished == {**{f"prerequisite-{number}": "passed" for number in range(1, len(good) + 1)}, "bad": "failed"}
    assert [line.split()[0] for line in plain.stdout.splitlines() if "failed=1" in line] == ["here"]
    assert "Assertion failed" in plain.stdout
    assert "facts.state == 'open'" in plain.stdout
