"""What ansible-vault has encrypted, and passwords of the inventory, reach a step and stand nowhere in clear.

`RUNBOOK_SINGLY=yes` tries each case in a run of its own, and every command with every password.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml
from harness import PATIENCE
from harness.bench import Ran

SINGLY = os.environ.get("RUNBOOK_SINGLY") == "yes"
CALLS = {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline", "actions"]}
VAULT = Path(sys.executable).with_name("ansible-vault")
SECRETS = {
    "whole": "of a whole file & more",
    "deep": "deep down in a list",
    "number": "8812345678",
    "inline": "one text of its own",
    "become": "a become password",
    "sql": "a database password",
}
USED = "{{ file_key }}|{{ file_deep.parts[0] }}|{{ file_number }}|{{ inline_key }}|{{ ansible_become_password }}|{{ runbook_sql.PGPASSWORD }}"
USED_PLAIN = "|".join(SECRETS.values())


PASSWORD = "open\n"


@functools.cache
def encrypt(*words, text):
    """What Ansible's own program makes of `text`."""
    with tempfile.NamedTemporaryFile("w") as password:
        password.write(PASSWORD)
        password.flush()
        command = [VAULT, words[0], "--vault-password-file", password.name, *words[1:]]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def vault(bench):
    """An inventory with secrets of every sort, and the file of the password with which they are encrypted."""
    password = bench.directory / "sesame"
    password.write_text(PASSWORD)
    inline = encrypt("encrypt_string", "--stdin-name", "inline_key", text=SECRETS["inline"])
    bench.hosts(
        here={"ansible_become_password": SECRETS["become"], "copy": "{{ file_key }}", "shown": "{{ file_name }}"}
    )
    beside = bench.directory / "group_vars" / "all"
    beside.mkdir(parents=True)
    own = {
        "file_key": SECRETS["whole"],
        "file_deep": {"parts": [SECRETS["deep"]]},
        "file_number": int(SECRETS["number"]),
    }
    (beside / "vault.yml").write_text(
        encrypt("encrypt", text=yaml.safe_dump({**own, "file_name": "abc", "port": 5432}))
    )
    sql = {"runbook_sql": {"PGPASSWORD": SECRETS["sql"], "PGHOST": "db.example"}}
    (beside / "plain.yml").write_text(f"{inline}\n{yaml.safe_dump(sql)}")
    return password


def leaks(bench, ran):
    texts = [secret.encode() for secret in SECRETS.values()]
    paths = [path for path in bench.state.rglob("*") if path.is_file()]
    files = [path.name for path in paths if any(text in path.read_bytes() for text in texts)]
    return [*files, *(name for name in ("out", "err") if any(text in getattr(ran, name).encode() for text in texts))]


def uses(**keys):
    shell = 'printf %s "$1" | sha256sum; printf "%s\\n" "$1" {{ port }} {{ shown | quote }}'
    said = {"command": ["bash", "-c", shell, "bash", USED], "env": {"COPY": "{{ copy }}"}, "verify": [{"exit": 0}]}
    return {"id": "use", "name": "Use", **said, "on_failure": "stop", **keys}


APPROVED, CAPTURED, FAILED = {"approve": "Go?"}, {"capture": {"cap": "stdout"}}, {"verify": [{"exit": [3]}]}


@pytest.mark.parametrize("keys", [{}, APPROVED, CAPTURED, FAILED] if SINGLY else [APPROVED | CAPTURED, FAILED])
def test_they_reach_the_step_and_are_in_no_file_and_no_word(bench, vault, keys):
    bench.write(uses(**keys))

    ran = bench.run("--vault-password-file", str(vault))

    said = next(event["data"]["result"] for event in ran.events if event["type"] == "action.finished")
    digest = hashlib.sha256(USED_PLAIN.encode()).hexdigest()
    assert said["stdout"].splitlines() == [f"{digest}  -", "***|***|***|***|***|***", "5432", "abc"]
    assert leaks(bench, ran) == []
    # In production, and with --auto, that refuses the run: everybody on the host can read them where they stand here.
    warned = next(
        event["data"] for event in ran.events if event["type"] == "guard.checked" and event["data"]["guard"] == "lint"
    )
    assert "is a secret of the inventory, and everybody on a host can read the arguments" in str(warned)


LOOKS = [("plan", "RUN-900", "--json"), ("run", "RUN-900", "--dry-run"), ("plan", "RUN-900")]


@pytest.mark.parametrize("command", LOOKS if SINGLY else LOOKS[:2])
def test_what_only_looks_does_not_show_them(bench, vault, command):
    bench.write(uses())
    bench.environment["ANSIBLE_VAULT_PASSWORD_FILE"] = vault.name  # as seen from where the command is typed

    ran = bench.command(*command, "-i", str(bench.inventory))

    assert (ran.code, leaks(bench, ran)) == (0, []), ran.err
    assert "vault:file_key (ciphertext " in ran.out + ran.err


REASONS = ["reason", "break_glass"]


@pytest.mark.parametrize("names", [[name] for name in REASONS] if SINGLY else [REASONS])
def test_one_that_a_person_names_as_the_reason_is_recorded_nowhere(bench, vault, names):
    bench.write(uses(on_failure="escalate", verify=[{"exit": [3]}]), escalation=CALLS)

    options = {f"--{name.replace('_', '-')}": f"is {SECRETS['inline']} known?" for name in names}
    ran = bench.run("--vault-password-file", str(vault), *(word for each in options.items() for word in each))

    given = next(event["data"] for event in ran.events if event["type"] == "reason.given")
    assert given == dict.fromkeys(REASONS, "") | dict.fromkeys(names, "is *** known?")
    assert [name for name in leaks(bench, ran) if name != "err"] == []  # who has typed it may see it


def test_one_in_an_input_is_recorded_nowhere_and_the_input_is_refused(bench, vault):
    bench.write(uses(), inputs={"incident": {"help": "What is wrong"}}, escalation={**CALLS, "provide": ["incident"]})

    ran = bench.run("--vault-password-file", str(vault), "-e", f"incident=since {SECRETS['inline']} is known")

    assert "the input incident holds a secret, and is written down" in ran.out + ran.err
    assert (ran.code == 0, leaks(bench, ran)) == (False, [])


def test_without_the_inventory_no_reason_is_recorded(bench, vault):
    bench.write(uses())

    ran = bench.run("--reason", f"is {SECRETS['inline']} known?")

    assert (ran.code, leaks(bench, ran)) == (2, [])


def test_one_in_a_note_from_another_terminal_is_recorded_nowhere(bench, vault):
    bench.write(uses(approve={"says": "Go?", "expires": "60s"}))
    words = ("run", "RUN-900", "-i", str(bench.inventory), "--json", "--wait", "60s")
    process = bench.started(*words, "--vault-password-file", str(vault))
    bench.asks(process)
    (asked,) = bench.pending()

    voted = bench.command("approve", "last", "--subject", asked["subject"], "--note", f"by {SECRETS['whole']}")
    out, err = process.communicate(timeout=PATIENCE)

    answered = next(each["data"] for each in map(json.loads, out.splitlines()) if each["type"] == "gate.answered")
    assert (voted.code, process.returncode, answered["note"]) == (0, 0, "by ***"), err
    assert leaks(bench, Ran(0, out, err)) == []


ALL = list(itertools.product(["plan", "preflight", "run"], ["", "another", "absent"]))
PAIRS = [("plan", ""), ("preflight", "another"), ("run", "absent")]


@pytest.mark.parametrize(("command", "password"), ALL if SINGLY else PAIRS)
def test_without_the_password_one_is_told_how_to_give_it(bench, vault, command, password):
    bench.write(uses())
    if password:
        bench.environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(bench.directory / password)
        (bench.directory / "another").write_text("wrong\n")

    ran = bench.command(command, "RUN-900", "-i", str(bench.inventory))

    told = "the inventory is encrypted by ansible-vault, and no password that was given decrypts it"
    assert (ran.code, told in ran.out + ran.err, "--vault-password-file" in ran.err) == (2, True, True)
    assert "Traceback" not in ran.err
    assert vault.exists()
