"""`runbook lint` tells every fault once, with its place, and fails when one is an error."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from harness.fakes import runbook_file


def test_a_sound_library_has_no_findings(runbook, here):
    runbook_file(here)
    runbook("compile")

    ran = runbook("lint")

    assert (ran.code, ran.out, ran.err) == (0, "", "1 runbook, 0 findings\n")


@pytest.mark.parametrize(
    ("given", "state"), [(None, "is not there"), ("- hosts: all\n", "is not what this compiles to")]
)
def test_a_playbook_for_which_every_run_is_refused_is_told(runbook, library, ansible, here, given, state):
    path = here / "playbooks" / "RUN-001.yml"
    path.unlink()
    if given:
        path.write_text(given)

    ran = runbook("lint")

    assert ran.code == 0
    assert ran.out == (
        "runbooks/RUN-001.yml\n"
        f"  runbooks/RUN-001.yml:1:1: warning playbooks/RUN-001.yml {state}, so every run is refused [stale-playbook]\n"
        "    1 | id: RUN-001\n"
        "      | ^\n"
        "      runbook compile RUN-001, then review the difference\n\n"
    )
    assert (runbook("run", "RUN-001", "-i", "inventory.yml").code, runbook("lint", "--strict").code) == (2, 2)
    runbook("compile")
    assert runbook("lint").out == ""


def test_every_fault_is_told_with_its_place_and_its_rule(runbook, here):
    path = runbook_file(here)
    path.write_text(path.read_text().replace("title:", "titel:").replace("exit: 0", "exit: zero"))

    ran = runbook("lint")

    places = [line.strip().partition(": ")[0] for line in ran.out.splitlines() if line.startswith("  runbooks")]
    assert ran.code == 2
    assert places == ["runbooks/RUN-001.yml:1:1", "runbooks/RUN-001.yml:2:1", "runbooks/RUN-001.yml:14:15"]
    assert "did you mean 'title'?" in ran.out
    assert ran.err == "1 runbook, 3 findings\n"


def test_a_broken_file_does_not_hide_the_others(runbook, here):
    for number in (1, 2, 3):
        path = runbook_file(here, id=f"RUN-00{number}")
        path.write_text(path.read_text().replace("severity: P2", "severity: P9") if number != 2 else "{")

    ran = runbook("lint")

    assert ran.code == 2
    heads = [line for line in ran.out.splitlines() if line and not line.startswith(" ")]
    assert heads == [f"runbooks/RUN-00{n}.yml" for n in (1, 2, 3)]


def test_what_is_wrong_in_the_contacts_is_told_once(runbook, here):
    for number in (1, 2, 3):
        runbook_file(here, id=f"RUN-00{number}")
    (here / "runbooks" / "contacts.yml").write_text("on-call: {nam: x}\n")

    ran = runbook("lint")

    assert ran.out.count("[unknown-key]") == 1
    assert (ran.code, ran.out.count("'nam'")) == (2, 1)


def test_as_json_it_is_a_list_of_findings(runbook, here):
    runbook_file(here, severity="P9")

    ran = runbook("lint", "--json")

    (finding,) = json.loads(ran.out)
    del finding["message"]
    assert (ran.code, finding) == (
        2,
        {
            "file": "runbooks/RUN-001.yml",
            "line": 5,
            "column": 1,
            "path": "severity",
            "level": "error",
            "rule": "wrong-value",
            "hint": "",
            "excepted": "",
        },
    )


def test_only_what_is_named_is_looked_at(runbook, here):
    runbook_file(here)
    runbook_file(here, id="RUN-002", severity="P9")

    assert (runbook("lint", "RUN-001").code, runbook("lint", "RUN-002").code) == (0, 2)


def test_what_a_file_quotes_does_nothing_to_the_terminal(runbook, here):
    runbook_file(here, severity="\x1b[2J")

    ran = runbook("lint")

    assert ("\x1b" in ran.out, ran.code) == (False, 2)


@pytest.mark.parametrize("name", ["RUN-009", "absent.yml"])
def test_what_is_not_there_is_an_error(runbook, here, name):
    runbook_file(here)

    ran = runbook("lint", name)

    assert (ran.code, ran.err.startswith("error: ")) == (2, True)


STEPS = """\
steps: # the shop's own
  - id: warm   # two pages
    name: Warm the cache
    shell: |
      # the first page is checked, the second is not
      curl --fail -s http://127.0.0.1/one
      curl -s http://127.0.0.1/two   # the slow one
    verify: [{exit: 0}]
  - {id: find, name: Find the errors, effect: read, command: 'egrep -c error /var/log/shop', verify: [{exit: [0, 1]}]}
"""


@pytest.fixture
def written(here, runbook):
    """A runbook in the library whose steps are the given text, compiled as far as it can be."""

    def write(steps, number=1):
        path = runbook_file(here, id=f"RUN-00{number}", steps=None, severity="P1")
        path.write_text(path.read_text() + steps)
        runbook("compile", path)
        return path

    return write


def test_a_finding_is_shown_with_its_line_and_what_to_do(runbook, written):
    written(STEPS)

    ran = runbook("lint", "--level", "warning")

    assert ran.code == 0
    assert (
        ran.out
        == """\
runbooks/RUN-001.yml
  runbooks/RUN-001.yml:26:7: warning steps[0].shell: curl succeeds when the server answers 404 or 500 [curl-without-fail]
   26 |       curl -s http://127.0.0.1/two   # the slow one
      |       ^
      add --fail
  runbooks/RUN-001.yml:28:63: warning steps[1].command: egrep is no longer maintained, or no longer there [outdated]
   28 |   - {id: find, name: Find the errors, effect: read, command: 'egrep -c error /var/log/shop', verify: [{exit: [0, 1]}]}
      |                                                               ^
      write grep -E

"""
    )
    assert ran.err == "1 runbook, 2 findings\n"


def test_a_warning_fails_only_where_it_is_asked_to(runbook, written):
    written(STEPS)

    assert [runbook("lint", *words).code for words in ((), ("--strict",), ("--level", "error"))] == [0, 2, 0]


def test_a_finding_below_the_level_is_not_told(runbook, written):
    written(STEPS)

    assert runbook("lint", "--level", "error").out == ""


def test_fixing_changes_nothing_but_what_is_wrong(runbook, written):
    path = written(STEPS)
    before = path.read_text()

    ran = runbook("lint", "--fix")

    assert path.read_text() == before.replace(
        "curl -s http://127.0.0.1/two", "curl --fail -s http://127.0.0.1/two"
    ).replace("egrep", "grep -E")
    assert (ran.code, ran.out.count("[stale-playbook]")) == (0, 1)
    assert ran.err == "runbooks/RUN-001.yml: fixed in 2 places\n1 runbook, 1 finding\n"
    runbook("compile")
    assert runbook("lint", "--fix").err == "1 runbook, 0 findings\n"


def test_fixing_keeps_the_mode_and_the_mark_of_the_file_and_leaves_nothing_beside_it(runbook, here):
    path = runbook_file(here)
    text = path.read_text().replace("command: df /", "command: curl http://127.0.0.1/  # it warms a cache")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    path.chmod(0o640)

    ran = runbook("lint", "--fix")

    assert (ran.code, path.stat().st_mode & 0o777) == (0, 0o640)
    assert path.read_bytes() == b"\xef\xbb\xbf" + text.replace("curl ", "curl --fail ").encode()
    assert [each.name for each in path.parent.glob(".*")] == []


def test_what_the_file_excepts_is_told_with_its_reason_only_to_machines(runbook, written):
    path = written(STEPS.replace("# the slow one", "# lint: allow curl-without-fail - it answers 404 until it is warm"))
    before = path.read_text().replace("egrep", "grep -E")

    ran = runbook("lint", "--fix", "--format", "json")

    stale, excepted = json.loads(ran.out)
    assert (excepted["rule"], excepted["line"]) == ("curl-without-fail", 26)
    assert excepted["excepted"] == "it answers 404 until it is warm"
    assert path.read_text() == before
    assert stale["rule"] == "stale-playbook"
    assert ran.err.endswith("1 runbook, 1 finding, 1 excepted\n")


def test_github_draws_each_finding_beside_its_line(runbook, written):
    written(STEPS)

    assert runbook("lint", "--format", "github").out.splitlines() == [
        "::warning file=runbooks/RUN-001.yml,line=26,col=7,title=curl-without-fail::"
        "curl succeeds when the server answers 404 or 500; add --fail",
        "::warning file=runbooks/RUN-001.yml,line=28,col=63,title=outdated::"
        "egrep is no longer maintained, or no longer there; write grep -E",
    ]


def test_what_could_end_a_workflow_command_is_escaped(runbook, here):
    runbook_file(here, severity="a%b\r\n::error::c")

    (line,) = runbook("lint", "--format", "github").out.splitlines()

    assert line.startswith("::error file=runbooks/RUN-001.yml,line=5,col=1,title=wrong-value::")
    assert "a%25b" in line


def test_junit_has_a_case_for_each_runbook(runbook, written, here):
    written(STEPS)
    runbook("compile", runbook_file(here, id="RUN-002"))
    runbook_file(here, id="RUN-003", severity="P9\x1b")

    suite = ET.fromstring(runbook("lint", "--format", "junit").out).find("testsuite")

    assert suite.attrib == {"name": "runbook lint", "errors": "0", "skipped": "0", "tests": "3", "failures": "2"}
    assert {case.get("name"): [(each.tag, each.get("type")) for each in case] for case in suite} == {
        "RUN-001": [("failure", "warning")],
        "RUN-002": [],
        "RUN-003": [("failure", "error")],
    }


def test_sarif_has_the_structure_that_code_hosts_read(runbook, written):
    written(STEPS.replace("# the slow one", "# lint: allow curl-without-fail - it is cold"))

    log = json.loads(runbook("lint", "--format", "sarif").out)

    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert (log["version"], log["$schema"]) == ("2.1.0", "https://json.schemastore.org/sarif-2.1.0.json")
    assert len(rules) == len(set(rules))
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert run["results"] == [
        {
            "ruleId": "outdated",
            "ruleIndex": rules.index("outdated"),
            "level": "warning",
            "message": {"text": "egrep is no longer maintained, or no longer there; write grep -E"},
            "locations": [located(28, 63, "steps[1].command")],
        },
        {
            "ruleId": "curl-without-fail",
            "ruleIndex": rules.index("curl-without-fail"),
            "level": "warning",
            "message": {"text": "curl succeeds when the server answers 404 or 500; add --fail"},
            "locations": [located(26, 7, "steps[0].shell")],
            "suppressions": [{"kind": "inSource", "justification": "it is cold"}],
        },
    ]


def located(line, column, path):
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": "runbooks/RUN-001.yml"},
            "region": {"startLine": line, "startColumn": column},
        },
        "logicalLocations": [{"fullyQualifiedName": path}],
    }


def test_a_secret_is_not_shown_beside_its_finding(runbook, written):
    written(STEPS.replace("curl -s", "PGPASSWORD=correct-horse-9 curl -f"))

    ran = runbook("lint")

    assert ("secret-in-plain-sight" in ran.out, "correct-horse" in ran.out, ran.code) == (True, False, 2)


def test_a_rule_is_explained_with_what_is_wrong_and_what_is_right(runbook, here):
    ran = runbook("lint", "--explain", "no-channel")

    assert (ran.code, ran.out) == (
        0,
        """\
no-channel (error, escalatable)

A contact without a channel owns things, but no page reaches it: the escalation is a dead end.

Wrong:
  escalation: {when: [step_failed], contacts: [backend-team], provide: [timeline]}

Right:
  escalation: {when: [step_failed], contacts: [on-call], provide: [timeline]}
""",
    )


def test_without_a_name_the_rules_are_listed(runbook, here):
    head, *rows = runbook("lint", "--explain").out.splitlines()

    assert head.split() == ["RULE", "LEVEL", "CRITERION", "FIX", "PROBLEM"]
    assert ["outdated", "warning", "maintained", "yes"] in [row.split()[:4] for row in rows]


def test_a_rule_that_is_misspelled_is_an_error(runbook, here):
    ran = runbook("lint", "--explain", "too-vag")

    assert (ran.code, ran.err) == (2, "error: no rule is called 'too-vag'\nhint: did you mean 'too-vague'?\n")


def test_the_score_names_what_speaks_against_each_criterion(runbook, written):
    written(STEPS)

    ran = runbook("lint", "--score")

    assert (ran.code, [re.sub(" +", " ", line) for line in ran.out.splitlines()]) == (
        0,
        [
            "RUNBOOK SCORE ACTIONABLE COMPLETE VERIFIABLE SCOPED ESCALATABLE TESTED MAINTAINED",
            "RUN-001 3/7 yes yes no no yes no no",
            "RUN-001: verifiable: curl-without-fail in line 26",
            "RUN-001: scoped: names nothing that it does not handle",
            "RUN-001: tested: the record has no run of this text that passed",
            "RUN-001: maintained: outdated in line 28",
        ],
    )


def test_a_run_that_passed_is_the_test_of_the_text_that_it_ran(runbook, library, ansible):
    library()
    assert runbook("run", "RUN-001", "-i", "inventory.yml", "--auto", "--reason", "a test").code == 0

    tested = json.loads(runbook("lint", "--score", "--json").out)["RUN-001"]["criteria"]["tested"]
    library(title="Disk is nearly full")
    changed = json.loads(runbook("lint", "--score", "--json").out)["RUN-001"]["criteria"]["tested"]

    assert (tested["met"], changed["met"]) == (True, False)


def test_a_draft_may_lie_anywhere_and_is_judged_with_the_library(runbook, here, written):
    draft = here / "draft.yml"
    draft.write_text(written(STEPS).read_text().replace("owner: backend-team", "owner: backend-crew"))

    ran = runbook("lint", "draft.yml", "--format", "github")

    assert [line.partition("::")[2].partition("::")[2] for line in ran.out.splitlines()][:1] == [
        "nobody is called 'backend-crew'; did you mean 'backend-team'?"
    ]


@pytest.fixture
def vaulted(here, runbook, monkeypatch):
    """A runbook that uses `hidden`, which is set in an encrypted file, and `nowhere`; the passwords `open` and `close`."""
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", "")
    step = {"id": "act", "name": "Do it", "command": "act {{ hidden }} {{ nowhere }}", "verify": [{"exit": 0}]}
    runbook_file(here, steps=[step])
    runbook("compile")
    (here / "inventories" / "group_vars" / "all").mkdir(parents=True)
    (here / "inventories" / "hosts").write_text("db1\n")
    for name in ("open", "close"):
        (here / name).write_text(f"{name}\n")
    secret = here / "inventories" / "group_vars" / "all" / "vault.yml"
    secret.write_text("hidden: a\n")
    program = Path(sys.executable).with_name("ansible-vault")
    subprocess.run([program, "encrypt", "--vault-password-file", here / "open", secret], check=True)


@pytest.mark.parametrize("inventory", [[], ["-i", "inventories/hosts"]])
def test_what_an_encrypted_file_sets_is_unknown_without_its_password_and_known_with_it(runbook, vaulted, inventory):
    without, known = runbook("lint", *inventory), runbook("lint", *inventory, "--vault-password-file", "open")

    notice = "notice   what inventories/group_vars/all/vault.yml sets is not known: give --vault-password-file FILE to read it"
    assert (without.code, without.out, without.err.splitlines()) == (0, "", [notice, "1 runbook, 0 findings"])
    assert (known.code, re.findall(r"'(\w+)' is (neither|a secret)", known.out), known.err) == (
        2,
        [("hidden", "a secret"), ("nowhere", "neither")],
        "1 runbook, 2 findings\n",
    )


def test_a_wrong_password_is_an_error_of_usage(runbook, vaulted):
    ran = runbook("lint", "-i", "inventories/hosts", "--vault-password-file", "close")

    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 2)
    assert "--vault-password-file" in ran.err
