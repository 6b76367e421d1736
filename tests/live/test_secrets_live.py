"""A secret reaches the step that needs it, and nothing else: no file, no argument, no environment, no record, no page."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pexpect
import pytest
import yaml
from harness import PATIENCE
from harness.bench import BOTH_ENGINES, CONTACTS, step, survivors, wait_until
from harness.fault_server import FaultServer
from harness.places import sshd_hosts

from runner.lab.demo_workspace import workspace
from runner.lab.postgres import Postgres

SECRET = f"{os.getpid()} It's 100% {{{{ 'se' ~ 'cret' }}}} & \"déjà\" $(id)\\n /x"
"""All that shells, templates, URLs, JSON and psql take for something else; other processes of the tests have others."""

CODED = base64.b64encode(SECRET.encode()).decode()
OF_INVENTORY = f"{os.getpid()} of the inventory's own"
SPELLED = (SECRET, CODED, quote(SECRET, safe=""), json.dumps(SECRET)[1:-1], SECRET[:20])
PASSWORD = {"type": "secret", "help": "The password"}

TELLS = """
printf '%s\\n' "$PASSWORD"
printf '%s' "$PASSWORD" | base64 -w 8 >&2
printf '%s' "user:$PASSWORD" | base64 -w 0
printf '%s' "$PASSWORD" | {python} -c 'import json, sys, urllib.parse as u; s = sys.stdin.read(); print(json.dumps(s), u.quote(s))'
"""


def traces(text):
    """How often any spelling of the secret is in `text`."""
    return [spelled for spelled in SPELLED if spelled.encode() in text]


def in_files(*directories):
    found = []
    for path in [path for directory in directories for path in directory.rglob("*")]:
        with suppress(OSError):
            found += [str(path)] * bool(path.is_file() and traces(path.read_bytes()))
    return found


def in_processes(what):
    """The processes in whose `cmdline` or `environ` a secret is, but for this one."""
    found = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            read = (entry / what).read_bytes() if entry.name.isdigit() and int(entry.name) != os.getpid() else b""
            if traces(read) or (what == "cmdline" and f"{os.getpid()} of the inventory".encode() in read):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


@pytest.fixture
def kept(bench, tmp_path_factory):
    """The reference to a file that holds the secret, outside of all that is looked at."""
    path = tmp_path_factory.mktemp("kept") / "password"
    path.write_text(SECRET + "\n")
    return f"file:{path}"


def temporary():
    return list(Path(tempfile.gettempdir()).glob("runbook-*"))


def slow(bench, **how):
    """A step that says that it has its secret, and waits until it is let go."""
    ready, go = bench.directory / "ready", bench.directory / "go"
    words = f'printf %s "$PASSWORD" | sha256sum; touch {ready}; until [ -e {go} ]; do sleep 0.2; done'
    return ready, go, step("slow", words, timeout="60s", **how)


def stdin_step(bench):
    """The same for a step that has its secret on its standard input."""
    ready, go = bench.directory / "reads", bench.directory / "go-on"
    words = f"SUM=$(sha256sum | cut -c1-64); touch {ready}; until [ -e {go} ]; do sleep 0.2; done; echo $SUM"
    command = {"command": ["sh", "-c", words], "stdin": "{{ password }}"}
    return ready, go, {"id": "reads", "name": "Reads", **command, "verify": [{"exit": 0}], "on_failure": "stop"}


def digest(text):
    return subprocess.run(["sha256sum"], input=text.encode(), capture_output=True, check=True).stdout.decode()[:64]


def stdout_of(ran):
    return [event["data"]["result"].get("stdout") for event in ran.events if event["type"] == "action.finished"]


def test_the_probes_find_what_there_is_to_be_found(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_text(f"x {CODED} y")
    told = {"TOLD": SECRET}
    words = [sys.executable, "-c", "import time; print(flush=True); time.sleep(900)", "an argument", SECRET]
    with subprocess.Popen(words, env=told, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        seen = [in_processes(what) for what in ("cmdline", "environ")]
        process.kill()

    assert [process.pid in found for found in seen] == [True, True]
    assert in_files(tmp_path) == [str(tmp_path / "deep" / "file")]


@BOTH_ENGINES
def test_a_secret_is_seen_nowhere_on_standard_input_and_in_the_environment_in_that_of_the_step_only(bench, kept):
    reads, go_on, reading = stdin_step(bench)
    ready, go, waiting = slow(bench, env={"PASSWORD": "{{ known }}", "PGPASSWORD": "{{ known_to_the_inventory }}"})
    bench.hosts(here={"known_to_the_inventory": OF_INVENTORY})
    bench.write(reading, waiting, inputs={"password": PASSWORD, "known": {**PASSWORD, "default": kept}})

    # While a step reads it
    process = bench.begun(reads, "-e", f"password={kept}")
    carrying = survivors(bench.run_ids()[0])
    seen = in_processes("cmdline"), in_processes("environ"), in_files(bench.directory, *temporary())
    go_on.touch()

    assert len(carrying) >= 3
    assert seen == ({}, {}, [])
    # And while a step has it in its environment
    wait_until(ready.exists, "the next step has begun", process)
    seen, environ = (in_processes("cmdline"), in_files(bench.directory, *temporary())), in_processes("environ")
    go.touch()
    out, err = process.communicate(timeout=PATIENCE)

    assert seen == ({}, [])
    assert environ
    assert all(line.startswith(("/bin/bash --norc -peuo pipefail", "sleep 0.2")) for line in environ.values()), environ
    assert process.returncode == 0, err
    assert out.count(digest(SECRET)) >= 2
    assert traces((out + err).encode()) == []
    assert in_files(bench.directory) == []


def test_over_ssh_it_is_in_no_argument_on_either_side(bench, kept, tmp_path):
    with sshd_hosts(tmp_path / "hosts", {"one": "127.0.77.71"}) as up:
        own = {"runbook_environment": "lab", "known_to_the_inventory": OF_INVENTORY}
        found = {name: host.variables() | own for name, host in up.hosts.items()}
        bench.inventory.write_text(yaml.safe_dump({"all": {"hosts": found}}))
        env = {"PASSWORD": "{{ password }}", "PGPASSWORD": "{{ known_to_the_inventory }}"}
        ready, go, waiting = slow(bench, env=env)
        bench.write(waiting, inputs={"password": PASSWORD})

        process = bench.begun(ready, "-e", f"password={kept}")
        seen, environ = (in_processes("cmdline"), in_files(bench.directory, *temporary())), in_processes("environ")
        go.touch()
        out, err = process.communicate(timeout=PATIENCE)

    assert (seen, process.returncode) == (({}, []), 0), err
    assert digest(SECRET) in out
    assert environ
    assert all(line.startswith(("/bin/bash --norc -peuo pipefail", "sleep 0.2")) for line in environ.values()), environ


@BOTH_ENGINES
def test_whatever_a_step_tells_of_it_is_redacted_everywhere_also_in_a_page(bench, kept):
    tells = TELLS.format(python=sys.executable)
    with FaultServer("ok") as server:
        bench.environment["KEY"] = "R" * 32
        contacts = CONTACTS.replace(
            "{webhook: {url: 'http://127.0.0.1:9/'}}", f"{{pagerduty: {{routing_key: 'env:KEY', url: '{server.url}'}}}}"
        )
        bench.write(
            step("tell", tells, env={"PASSWORD": "{{ password }}"}, capture={"told": "stdout", "fine": "rc"}),
            step(
                "spell", tells + "exit 3", env={"PASSWORD": "{{ password }}"}, on_failure="escalate", approve="Go on?"
            ),
            inputs={"password": PASSWORD},
            escalation={
                "when": ["step_failed"],
                "contacts": ["on-call"],
                "provide": ["timeline", "failure", "told", "fine"],
            },
            contacts=contacts,
        )
        ran = bench.run("-e", f"password={kept}")

    assert (ran.code, len(server.events)) == (3, 1), ran.err
    assert traces((ran.out + ran.err).encode()) == []
    assert traces(json.dumps(server.events, ensure_ascii=False).encode()) == []
    assert in_files(bench.directory) == []
    captured = next(event["data"] for event in ran.events if event["type"] == "values.captured")
    assert (captured["withheld"], captured["values"]["fine"]) == (["told"], 0)
    assert stdout_of(ran)[0].count("***") >= 3
    details = server.events[0]["payload"]["custom_details"]
    assert details["fine"] == "here: 0"
    given = next(record for record in bench.records() if record["type"] == "runbook.inputs.given")
    assert given["data"]["runbook"]["inputs"] == {"password": kept}
    state = json.loads((bench.state / "runs" / bench.run_ids()[0] / "run.json").read_text())
    assert state["inputs"] == {"password": kept}


def test_a_secret_that_is_typed_is_not_shown_and_kept_in_memory_only(bench):
    words = f'printf %s "$PASSWORD" | sha256sum > {bench.directory / "sum"}; echo "$COPIES of $PASSWORD"'
    bench.write(
        step("act", words, env={"PASSWORD": "{{ password }}", "COPIES": "{{ copies }}"}),
        inputs={"copies": {"type": "int", "min": 1, "help": "How many"}, "password": PASSWORD},
    )
    program, *line = bench.words("run", "RUN-900", "-i", str(bench.inventory))
    environment = {**os.environ, "TMPDIR": str(bench.directory), "TERM": "dumb"}
    secret = SECRET.replace("\\", "/")  # which is typed as it is

    child = pexpect.spawn(program, line, env=environment, cwd=bench.directory, timeout=PATIENCE, encoding="utf-8")
    child.expect("How many: a whole number, at least 1\r\n  copies: ")
    child.sendline("none")
    child.expect("'none' is not a whole number\r\n  copies: |  copies: ")
    child.sendline("3")
    child.expect("The password: a secret, which is not shown\r\n  password: ")
    child.sendline("abc")
    child.expect("has less than 4 characters, which cannot be kept out of what is shown\r\n  password: ")
    child.sendline(secret)
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0, child.before
    assert (bench.directory / "sum").read_text()[:64] == digest(secret)
    assert str(os.getpid()) + " It's" not in child.before
    assert in_files(bench.directory) == []
    said = [path.read_text() for path in (bench.state / "runs").rglob("*-act-*.json")]
    assert any("3 of ***" in text for text in said)
    state = json.loads((bench.state / "runs" / bench.run_ids()[0] / "run.json").read_text())
    assert state["inputs"] == {"copies": 3, "password": "prompt"}


def test_who_decides_sees_where_the_secret_comes_from(bench, kept):
    bench.write(
        step("look", "true", effect="read"),
        step("act", 'test "$PASSWORD" != x', env={"PASSWORD": "{{ password }}"}, approve="Go on?"),
        inputs={"password": {**PASSWORD, "default": kept}},
    )

    plan = json.loads(
        bench.command("plan", "RUN-900", "-i", str(bench.inventory), "--json", "-e", "password=env:NOT_SET").out
    )
    ran = bench.run()

    asked = next(event["data"] for event in ran.events if event["type"] == "gate.asked")
    assert plan["inputs"] == {"password": "env:NOT_SET"}
    assert plan["steps"][1]["commands"] == {"here": 'PASSWORD=env:NOT_SET test "$PASSWORD" != x'}
    assert asked["commands"] == {"here": f'PASSWORD={kept} test "$PASSWORD" != x'}
    assert ran.code == 0, ran.err


def test_a_secret_is_bound_in_sql(bench, kept):
    with workspace() as directory, Postgres.running(directory / "postgres") as database:
        local = {"runbook_sql": database.environment("runbook"), "runbook_psql": str(database.psql)}
        bench.hosts(here=local)
        says = {
            "id": "ask",
            "name": "Ask",
            "sql": "SELECT md5(%(word)s) AS sum, length(%(word)s) AS size",
            "effect": "read",
        }
        says |= {"params": {"word": "{{ password }}"}, "capture": {"sum": "row.sum", "size": "row.size"}}
        bench.write({**says, "verify": [{"that": "row.size > 4"}]}, inputs={"password": PASSWORD})

        ran = bench.run("-e", f"password={kept}")

    captured = next(event["data"]["values"] for event in ran.events if event["type"] == "values.captured")
    sums = subprocess.run(["md5sum"], input=SECRET.encode(), capture_output=True, check=True).stdout.decode()
    assert captured == {"sum": sums[:32], "size": len(SECRET)}


def test_plain_ansible_takes_it_from_an_encrypted_file_and_shows_it_nowhere(bench):
    words = 'printf %s "$PASSWORD" | sha256sum > ' + str(bench.directory / "sum")
    bench.write(step("act", words, env={"PASSWORD": "{{ password }}"}), inputs={"password": PASSWORD})
    programs = Path(sys.executable).parent
    (bench.directory / "open").write_text("sesame")
    vaulted = bench.directory / "vault.yml"
    secret = SECRET.replace("{{", "{").replace("}}", "}")  # a file that is given with -e holds templates
    vaulted.write_text(json.dumps({"password": secret}))
    by = ["--vault-password-file", str(bench.directory / "open")]
    subprocess.run([programs / "ansible-vault", "encrypt", *by, vaulted], check=True, capture_output=True)

    play = [programs / "ansible-playbook", "-vvv", "-i", bench.inventory, *by, "-e", f"@{vaulted}"]
    played = subprocess.run(
        [*play, bench.directory / "playbooks" / "RUN-900.yml"], capture_output=True, text=True, check=False
    )

    assert played.returncode == 0, played.stdout
    assert (bench.directory / "sum").read_text()[:64] == digest(secret)
    assert base64.b64encode(secret.encode()).decode() not in played.stdout
    assert secret not in played.stdout


def test_a_host_that_the_inventory_does_not_have_is_refused_before_anything_is_done(bench):
    bench.hosts(here={}, db1={})
    made = bench.directory / "made"
    bench.write(step("act", f"touch {made}"), inputs={"node": {"type": "host", "help": "The node"}})

    refused, limited = bench.run("-e", "node=db2"), bench.run("-e", "node=db1", "-l", "here")

    assert (refused.code, made.exists(), limited.code) == (2, True, 0), limited.err
    assert "-e node=db2: the inventory has no such host" in refused.out
    assert "did you mean 'db1'?" in refused.out
