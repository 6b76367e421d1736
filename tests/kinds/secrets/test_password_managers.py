"""Password managers answer, are locked, lack an item or hang: each is the secret, or a sentence with what to type.

The programs are scripts that answer as theirs are documented to: the real ones need an account.
"""

from __future__ import annotations

import json

import pytest
from harness.secret_stores import CANARY, arguments, install, looked_up, refused

ITEM = json.dumps(
    {
        "name": "db",
        "login": {"username": "runbook", "password": CANARY},
        "notes": "the notes",
        "fields": [{"name": "api key", "value": "key-9d2c"}],
    }
)
MANAGERS = {
    "op": ("op://Ops/db/password", 'printf %s "$SECRET"'),
    "lpass": ("lastpass:Shared-ops/db", 'echo "$SECRET"'),
    "bw": ("bitwarden:db", f"cat <<'JSON'\n{ITEM}\nJSON"),
}


@pytest.mark.parametrize("program", MANAGERS)
def test_the_secret_is_what_the_program_prints_and_no_argument_of_it(tmp_path, program):
    reference, code = MANAGERS[program]
    environ = install(tmp_path, program, code)

    assert looked_up(reference, environ) == CANARY
    assert CANARY not in " ".join(arguments(tmp_path, program))


@pytest.mark.parametrize(
    ("program", "reference", "words"),
    [
        ("op", "op://Ops/db/section/a key", ["read", "--no-newline", "op://Ops/db/section/a key"]),
        ("lpass", "lastpass:db", ["show", "--color=never", "--password", "db"]),
        ("lpass", "lastpass:db#username", ["show", "--color=never", "--username", "db"]),
        ("lpass", "lastpass:db#API key", ["show", "--color=never", "--field=API key", "db"]),
    ],
)
def test_the_field_that_is_asked_for(tmp_path, program, reference, words):
    environ = install(tmp_path, program, 'printf %s "$SECRET"')

    looked_up(reference, environ)

    assert arguments(tmp_path, program) == words


@pytest.mark.parametrize(
    ("field", "value"), [("username", "runbook"), ("notes", "the notes"), ("api key", "key-9d2c"), ("password", CANARY)]
)
def test_a_field_of_an_item_of_bitwarden(tmp_path, field, value):
    environ = install(tmp_path, "bw", MANAGERS["bw"][1])

    assert looked_up(f"bitwarden:db#{field}", environ) == value
    assert arguments(tmp_path, "bw") == ["--nointeraction", "get", "item", "db"]


BW_UNLOCK = "export BW_SESSION=$(bw unlock --raw)"
LPASS_LOGIN = "lpass login --trust NAME@EXAMPLE.COM"


@pytest.mark.parametrize(
    ("program", "complaint", "message"),
    [
        (
            "op",
            "[ERROR] 2026/01/02 03:04:05 You are not currently signed in. Please run `op signin --help`",
            "1Password is locked, or nobody is logged in; type: eval $(op signin)",
        ),
        (
            "op",
            "[ERROR] 2026/01/02 03:04:05 No accounts configured for use with 1Password CLI.",
            "1Password is locked, or nobody is logged in; type: eval $(op signin)",
        ),
        (
            "op",
            '[ERROR] 2026/01/02 03:04:05 could not read secret op://Ops/db/password: "db" isn\'t an item.',
            "1Password has no such item or field, or does not give it (exit code 1); "
            "to see why, type: op read op://Ops/db/password",
        ),
        (
            "lpass",
            "Error: Could not find decryption key. Perhaps you need to login with `lpass login`.",
            f"LastPass is locked, or nobody is logged in; type: {LPASS_LOGIN}",
        ),
        (
            "lpass",
            "Error: Could not find specified account(s).",
            "LastPass has no such item or field, or does not give it (exit code 1); "
            "to see why, type: lpass show Shared-ops/db",
        ),
        ("bw", "Vault is locked.", f"Bitwarden is locked, or nobody is logged in; type: {BW_UNLOCK}"),
        ("bw", "You are not logged in.", f"Bitwarden is locked, or nobody is logged in; type: bw login && {BW_UNLOCK}"),
        (
            "bw",
            "Not found.",
            "Bitwarden has no such item or field, or does not give it (exit code 1); to see why, type: bw get item db",
        ),
        (
            "bw",
            "More than one result was found. Try getting a specific object by `id` instead.",
            "Bitwarden has several items 'db'; write the id of one",
        ),
    ],
)
def test_a_locked_store_says_what_to_type_and_a_missing_item_what_to_look_at(tmp_path, program, complaint, message):
    (tmp_path / "complaint").write_text(f"{complaint}\n")
    environ = install(tmp_path, program, f'echo "$SECRET"; cat {tmp_path}/complaint >&2; echo "$SECRET" >&2; exit 1')

    assert refused(MANAGERS[program][0], environ) == message


def test_lastpass_has_several_items_and_calls_that_a_success(tmp_path):
    environ = install(tmp_path, "lpass", "echo 'Multiple matches found.'; echo 'a/db [id: 1]'; echo 'b/db [id: 2]'")

    assert refused("lastpass:db", environ) == "LastPass has several items 'db'; write the id of one"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("{}", "the item 'db' of Bitwarden has no 'password'"),
        ("[1]", "what bw printed is no item; update bw"),
        ('{"login": {"password": 5}}', "the item 'db' of Bitwarden has no 'password'"),
        ('{"fields": "x"}', "what bw printed is no item; update bw"),
    ],
)
def test_an_item_of_bitwarden_that_cannot_be_used(tmp_path, output, message):
    assert refused("bitwarden:db", install(tmp_path, "bw", f"echo '{output}'")) == message


@pytest.mark.parametrize("program", MANAGERS)
def test_a_program_that_is_not_there(tmp_path, program):
    environ = {"PATH": str(tmp_path)}

    assert refused(MANAGERS[program][0], environ) == f"the program {program} is not installed, or is not on PATH"
