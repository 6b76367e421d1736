"""A step, a verification, a channel and a rule of another package are treated as our own, by the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest
import yaml
from harness import PATIENCE
from harness.command_server import CommandServer
from harness.plugin_package import install

from runner.kinds import plugins

PROJECT = Path(__file__).parent / "runbook-files"
CONTACTS = "on-call: {name: On-call engineer, channels: [{spool: {directory: %s}}]}\nowners: {name: Owners}\n"
CANARY = 'canary"of&the/others'
PAGE = """\
RUN-002: Leave a mark
Category: Maintenance
Severity: P3
Owner: owners
Trigger: a test
Hosts: all

## Procedure

### Step 1: Leave a mark

```filelist
create /srv/mark
remove /srv/old
```

Verification:
- [ ] The mark is there
"""


class Place:
    """A library, an inventory of this machine, and the command of an installation that has the package."""

    def __init__(self, root, installation):
        self.root, self.installation = root, installation
        self.mark, self.spool = root / "mark", root / "spool"
        self.spool.mkdir()
        (root / "library" / "runbooks").mkdir(parents=True)
        (root / "library" / "runbooks" / "contacts.yml").write_text(CONTACTS % self.spool)
        variables = f"ansible_connection=local ansible_python_interpreter={sys.executable} runbook_environment=local"
        (root / "hosts").write_text(f"here {variables}\n")

    def command(self, *words, **env):
        words = ["--library", self.root / "library", "--state-dir", self.root / "state", *words]
        environment = {**os.environ, "PYTHONPATH": str(self.installation.folder), **env}
        done = self.installation.server.do(words, environment=environment, directory=self.root, patience=PATIENCE)
        return subprocess.CompletedProcess(words, *done)

    def write(self, *steps, **changes):
        value = {
            "id": "RUN-001",
            "title": "Leave a mark",
            "category": "maintenance",
            "severity": "P3",
            "owner": "owners",
            "trigger": {"event": "a test"},
            "scope": {"handles": ["Marks"]},
            "hosts": "all",
            "steps": list(steps),
            "escalation": {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline"]},
            **changes,
        }
        text = yaml.safe_dump(value, sort_keys=False, width=1000)
        path = self.root / "library" / "runbooks" / "RUN-001.yml"
        path.write_text(text)
        return path

    def rules(self, *words):
        """The findings of lint that are not excepted, but that the playbook is not compiled."""
        ran = self.command("lint", "RUN-001", "--json", *words)
        found = [each for each in json.loads(ran.stdout) if each["rule"] != "stale-playbook" and not each["excepted"]]
        return [(each["rule"], each["message"]) for each in found]


@dataclass
class Installation:
    """The folder in which the package is installed, and what does commands with it."""

    folder: Path
    server: CommandServer


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    install(PROJECT, folder / "site")
    made = Installation(folder / "site", CommandServer(folder / "site"))
    yield made
    made.server.close()


@pytest.fixture
def place(tmp_path, installation):
    return Place(tmp_path, installation)


def step(files, present, **keys):
    return {"id": "mark", "name": "Leave a mark", "files": files, "verify": [{"present": str(present)}], **keys}


def test_the_schema_offers_its_keys_with_their_help(place):
    schema = json.loads(place.command("schema").stdout)
    keys = schema["$defs"]["Step"]["properties"]
    assert keys["files"]["description"] == "Lines of `create PATH` and `remove PATH`, done in order."
    assert keys["umask"]["description"] == "Which rights a file that is made does not have"
    assert (
        schema["$defs"]["Verification"]["properties"]["present"]["description"]
        == "The path of a file that must be there."
    )
    good = yaml.safe_load(place.write(step("create /srv/a", "/srv/a")).read_text())
    bad = yaml.safe_load(place.write(step("create /srv/a", "/srv/a", umsk="077")).read_text())
    validator = jsonschema.Draft7Validator(schema)
    assert (validator.is_valid(good), validator.is_valid(bad)) == (True, False)
    contacts = json.loads(place.command("schema", "contacts").stdout)
    assert set(contacts["$defs"]["Channel"]["properties"]) == {*plugins.channels(), "spool"}


@pytest.mark.parametrize(
    ("keys", "present", "rules"),
    [
        ({"files": "create /srv/a"}, "/srv/a", []),
        ({"files": "create /srv/a\nremove /srv/b"}, "/srv/a", ["destructive-unguarded"]),
        ({"files": "remove /srv/b", "effect": "destructive", "approve": "Remove it?"}, "/srv/a", []),
        ({"files": "create /srv/a", "effect": "read"}, "/srv/a", ["read-that-writes"]),
        ({"files": "create /tmp/a"}, "/tmp/a", ["files-in-tmp"]),
        ({"files": "create /srv/a", "umsk": "077"}, "/srv/a", ["unknown-key"]),
        ({"files": "make /srv/a"}, "/srv/a", ["wrong-value"]),
        ({"files": "create {{ nowhere }}"}, "/srv/a", ["wrong-value"]),
        ({"files": "create {{nowhere}}"}, "/srv/a", ["undefined-placeholder"]),
    ],
)
def test_lint_judges_its_steps_like_ours(place, keys, present, rules):
    place.write({**step("", present), **keys})
    assert [rule for rule, _ in place.rules()] == rules


def test_a_secret_in_its_arguments_is_refused(place):
    secret = {"token": {"type": "secret", "help": "The token"}}
    place.write(step("create /srv/{{token}}", "/srv/a"), inputs=secret)
    assert [rule for rule, _ in place.rules()] == ["secret-in-arguments"]


def test_its_rule_is_explained_completed_scored_and_excepted(place):
    told = json.loads(place.command("lint", "--explain", "files-in-tmp", "--json").stdout)
    assert told[0]["problem"] == "A file below /tmp is gone after a reboot, and the next step does not find it."
    assert "files-in-tmp" in place.command("lint", "--explain").stdout
    asked = {"_RUNBOOK_COMPLETE": "bash_complete", "COMP_WORDS": "runbook lint --explain files", "COMP_CWORD": "3"}
    assert place.command(**asked).stdout.split() == ["plain,files-in-tmp"]
    path = place.write(step("create /tmp/a", "/tmp/a"))
    score = json.loads(place.command("lint", "RUN-001", "--score", "--json").stdout)["RUN-001"]
    assert score["criteria"]["actionable"] == {"met": False, "reasons": ["files-in-tmp in line 15"]}
    path.write_text(
        path.read_text().replace(
            "files: create /tmp/a", "files: create /tmp/a # lint: allow files-in-tmp - it is meant to"
        )
    )
    assert place.rules() == []


def test_what_it_uses_is_linked(place):
    place.write(step("create /srv/a\nremove /srv/b", "/srv/a", effect="destructive", approve="Remove it?"))
    told = json.loads(place.command("links", "RUN-001", "--json").stdout)
    assert {each["name"] for each in told[0]["points to"] if each["kind"] == "program"} == {"touch", "rm", "stat"}
    (reached,) = json.loads(place.command("impact", "stat", "--json").stdout)
    assert (reached["reaches"], reached["at"]) == ("RUN-001", "steps[0].verify[0].present")


def test_a_condition_may_name_what_its_result_has(place):
    looks = [{"present": "/srv/a", "that": "size > 0"}, {"present": "/srv/a", "that": "sise > 0"}]
    place.write({**step("create /srv/a", ""), "verify": looks})
    assert place.rules() == [
        ("undefined-placeholder", "'sise' is neither an input, nor captured before, nor set in an inventory")
    ]


@pytest.mark.live
def test_it_runs_and_is_reported(place):
    place.write({**step(f"create {place.mark}", ""), "verify": [{"present": str(place.mark), "that": "size == 0"}]})
    assert place.command("compile").returncode == 0
    assert place.command("compile", "--check").returncode == 0
    ran = place.command("run", "RUN-001", "-i", "hosts", "--auto")
    assert (ran.returncode, place.mark.exists()) == (0, True), ran.stderr
    report = place.command("show", "last", "--format", "md").stdout
    assert "Leave a mark" in report
    assert "size == 0" in report
    assert list(place.spool.iterdir()) == []


@pytest.mark.live
def test_its_channel_is_called_when_a_step_fails(place):
    secret = {"type": "secret", "default": "env:CANARY", "help": "What nobody may see"}
    place.write(step(f"create {place.mark}", "/absent/{{ key }}"), inputs={"key": secret})
    place.command("compile")
    ran = place.command("run", "RUN-001", "-i", "hosts", "--auto", CANARY=CANARY)
    assert ran.returncode == 3, ran.stderr
    (page,) = place.spool.iterdir()
    told = json.loads(page.read_text())
    assert told["action"] == "trigger"
    assert "RUN-001" in told["summary"]
    # What its verification was asked with is a secret to it as to ours, although it has never heard of any
    files = [
        path for part in ("state", "library", "spool") for path in (place.root / part).rglob("*") if path.is_file()
    ]
    assert [path.name for path in files if CANARY in path.read_bytes().decode(errors="replace")] == []
    assert CANARY not in ran.stdout + ran.stderr
    assert any(b"cannot statx '/absent/***'" in path.read_bytes() for path in files)


def test_its_steps_are_written_to_markdown_and_read_back(place):
    place.write(step("create /srv/a\ncreate /srv/b\n", "/srv/a"))
    page = place.command("export", "RUN-001").stdout
    assert "```files\ncreate /srv/a\ncreate /srv/b\n```" in page
    (place.root / "page.md").write_text(page)
    place.command("import", "page.md", "--into", place.root / "again")
    written, again = (
        yaml.safe_load((place.root / folder / "RUN-001.yml").read_text()) for folder in ("library/runbooks", "again")
    )
    assert again == written


def test_a_page_with_its_fence_is_imported_as_its_step(place):
    (place.root / "page.md").write_text(PAGE)
    ran = place.command("import", "page.md")
    (made,) = yaml.safe_load((place.root / "library" / "runbooks" / "RUN-002.yml").read_text())["steps"]
    assert made["files"] == "create /srv/mark\nremove /srv/old\n", ran.stderr


def test_its_fault_begins_a_drill_as_ours_do(place):
    path = place.write({"id": "look", "name": "Look", "command": "df /", "verify": [{"command": "test -e /srv/a"}]})

    ran = place.command("drill", "init", "RUN-001", "--fault", "lose-file", "-e", "file=/srv/a")

    assert ran.returncode == 0, ran.stderr
    assert yaml.safe_load(path.read_text())["drill"]["undo"]["command"] == "mv --force /srv/a.before-drill /srv/a"
