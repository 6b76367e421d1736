"""A secret in the arguments of each kind that takes one, asked of somebody who repeats it, is seen nowhere.

What a kind takes a secret by is found from its example, so a new kind is in here or refuses it.
"""

from __future__ import annotations

import copy

import pytest
import yaml
from harness.bench import CONTACTS, Bench, runbook_text, step
from harness.fault_server import FaultServer

from runner.core.errors import RunbookError
from runner.kinds import plugins
from runner.library.library import Library

CANARY = 'canary"of&the/kinds'
INPUTS = {"key": {"type": "secret", "default": "env:CANARY", "help": "What nobody may see"}}
KNOWN = {
    **INPUTS,
    "token": INPUTS["key"],
    "pagerduty_token": INPUTS["key"],
    "stuck_pids": {"help": "Numbers"},
}
TAKES = {
    "http": {"http.url"},
    "look": {"look.certificate.address"},
    "module": {"module.ansible.builtin.service.name", "module.ansible.builtin.service.state"},
    "pipeline": {"pipeline.ref", "pipeline.token"},
    "run": {"inputs.primary"},
    "script": {"script"},
    "sql": {"params.pids"},
    "tasks": {"tasks"},
}
"""By which part of its example a step takes a secret; that a file is called so is refused when it is looked for."""
LOOKS = {
    "certificate": {"certificate.address"},
    "file": {"file.path", "file.contains"},
    "hold_for": {"http"},
    "http": {"http"},
    "json": {"http", "json.state"},
    "matches": {"matches"},
    "metric": {"metric.query"},
    "oncall": {"oncall.token"},
    "pipeline": {"pipeline.run", "pipeline.token"},
    "process": {"process.name"},
    "rds": {"rds.instance", "rds.region"},
}
"""The same of verifications."""


def leaves(value, at=()):
    """Where a text stands in `value`."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, str):
        yield at
    for key, item in items:
        yield from leaves(item, (*at, key))


def with_secret(value, at):
    made = copy.deepcopy(value)
    part = made
    for key in at[:-1]:
        part = part[key]
    part[at[-1]] = "{{ key }}"
    return made


def takes(directory, kind, around):
    """The parts of the kind's example in the place of which a secret may stand."""
    example = yaml.safe_load(kind.example)[0]
    found = set()
    for at in leaves(example):
        if at[0] in {"id", "name", "says", "verify", "capture", "approve", "effect", "baseline", "trend"}:
            continue
        text = runbook_text(around(with_secret(example, at)), inputs=KNOWN)
        (directory / "runbooks" / "RUN-900.yml").write_text(text)
        try:
            Library(directory).source("RUN-900")
        except RunbookError:
            continue
        found.add(".".join(map(str, at)))
    return found


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "contacts.yml").write_text(CONTACTS)
    return tmp_path


def test_each_kind_of_step_says_where_it_takes_a_secret(directory):
    found = {key: takes(directory, kind, lambda written: written) for key, kind in plugins.steps().items()}
    assert {key: parts for key, parts in found.items() if parts} == TAKES


def test_each_kind_of_verification_says_where_it_takes_a_secret(directory):
    def around(written):
        return {"id": "act", "name": "Act", "command": "ls", "verify": [written]}

    found = {key: takes(directory, kind, around) for key, kind in plugins.verifications().items()}
    assert {key: parts for key, parts in found.items() if parts} == LOOKS


def looks(name, **verification):
    return {"id": name, "name": name.capitalize(), "verify": [verification], "on_failure": "continue"}


@pytest.mark.live
def test_it_is_in_no_file_of_the_state_on_no_screen_in_no_page_and_no_playbook(tmp_path):
    # Given programs and a service that repeat what they are given, and a step for each kind that takes a secret
    bench = Bench(tmp_path, {"CANARY": CANARY, "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": CANARY})
    psql, key = tmp_path / "psql", "{{ key }}"
    psql.write_text("#!/bin/sh\ncat; env; exit 3\n")
    psql.chmod(0o755)
    bench.hosts(here={"runbook_psql": str(psql)})
    (tmp_path / "runbooks" / "scripts").mkdir(parents=True)
    (tmp_path / "runbooks" / "scripts" / "tell.sh").write_text('#!/bin/bash\nset -eu\necho "$KEY"\nexit 3\n')
    tells = ["sh", "-c", 'cat; echo "$KEY" "$1"; exit 3']
    page = ("200", {}, b"<html>Please log in</html>")
    with (
        FaultServer("echo") as service,
        FaultServer("ok", service=lambda _: (202, b"{}")) as receiver,
        FaultServer(page) as portal,
    ):
        url, hub = service.root, {"github": "team/shop", "url": service.root, "token": key}
        asked = {"url": f"{url}/{key}", "headers": {"X-Key": key}, "method": "POST", "body": {"key": key}}
        started = {**hub, "workflow": "a.yml", "ref": "main", "inputs": {"key": key}}
        people = {"name": "On-call", "channels": [{"webhook": {"url": f"{receiver.root}/hook"}}]}
        bench.write(
            *(
                {"id": name, "name": name.capitalize(), "verify": [{"exit": 0}], "on_failure": "continue", **acts}
                for name, acts in {
                    "command": {"command": tells, "env": {"KEY": key}, "stdin": key},
                    "shell": {"shell": 'echo "$KEY"; exit 3\n', "env": {"KEY": key}},
                    "script": {"script": "scripts/tell.sh", "env": {"KEY": key}},
                    "module": {
                        "module": {"ansible.builtin.fail": {"msg": key}},
                        "verify": [{"that": "result.msg == 1"}],
                    },
                    "http": {"http": asked, "verify": [{"that": "status == 200"}]},
                    "sql": {
                        "sql": "SELECT %(key)s AS key",
                        "params": {"key": key},
                        "verify": [{"that": "row.key == 1"}],
                    },
                    "pipeline": {"pipeline": started, "verify": [{"that": "status == 200"}]},
                }.items()
            ),
            looks("look-http", http=asked, that="status == 200"),
            looks("look-command", command=tells, env={"KEY": key}, that="stdout == key"),
            looks("look-sql", sql="SELECT %(key)s AS key", params={"key": key}, that="row.key == 1"),
            looks("look-json", http=asked, json={"message": key}),
            looks("look-matches", command=tells, env={"KEY": "x"}, matches=key),
            looks("look-file", file={"path": "/etc/hostname", "contains": key}),
            looks("look-path", file={"path": f"/{key}"}),
            looks("look-metric", metric={"from": "prometheus", "url": url, "query": key, "that": "value > 0"}),
            looks("look-oncall", oncall={"schedule": "PABC123", "token": key, "url": url}),
            looks("look-pipeline", pipeline={**hub, "run": key}),
            looks("look-process", process={"name": key}),
            looks("look-rds", rds={"instance": key, "region": "eu-central-1", "url": url, "that": "status == 'x'"}),
            looks("look-address", certificate={"address": f"{key}:443", "from": "localhost"}),
            looks("strange-http", http=portal.root, json={"state": "ready"}),
            looks("strange-json", http=portal.root, that="json.state == 'ready'"),
            looks("strange-output", command="echo ready", json={"state": "ready"}),
            looks(
                "strange-metric", metric={"from": "prometheus", "url": portal.root, "query": "up", "that": "value > 0"}
            ),
            looks("strange-oncall", oncall={"schedule": "PABC123", "token": key, "url": portal.root}),
            looks("strange-pipeline", pipeline={**hub, "url": portal.root, "run": "7"}),
            looks("strange-rds", rds={"instance": "shop", "region": "eu-central-1", "url": portal.root}),
            step("last", "false", on_failure="escalate"),
            inputs=INPUTS,
            contacts=yaml.safe_dump({"owners": {"name": "Owners"}, "on-call": people}),
            escalation={"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline", "actions"]},
        )
        # When all of them are done
        ran = bench.run()
        told = [request.body for request in receiver.requests]
    # Then each has failed, for a reason that says what was asked, somebody was called, and nobody was told the secret
    ended = {each["step"]: each["data"].get("reason", "") for each in ran.events if each["type"] == "step.finished"}
    files = [path for place in (bench.state, tmp_path / "playbooks") for path in place.rglob("*") if path.is_file()]
    seen = [path.name for path in files if b"canary" in path.read_bytes()]
    assert (seen, "canary" in ran.out + ran.err, [body for body in told if b"canary" in body]) == ([], False, []), (
        ran.err
    )
    assert told
    assert {name: reason for name, reason in ended.items() if not reason} == {}
    # And what is no answer is called so, with what it is
    no_json = "the answer is not JSON: it ends with <html>Please log in</html>"
    strange = "answers with something else than it should; is that its address?"
    assert {name: reason for name, reason in ended.items() if name.startswith("strange-")} == {
        **dict.fromkeys(("strange-http", "strange-json", "strange-pipeline"), no_json),
        "strange-output": "the output is not JSON: it ends with ready",
        "strange-metric": f"Prometheus at {portal.root} {strange}",
        "strange-oncall": "PagerDuty answered something else than it should, and nobody knows who is on call",
        "strange-rds": f"RDS in eu-central-1 {strange}",
    }
