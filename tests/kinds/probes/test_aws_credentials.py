"""Who asks AWS: the environment, a profile, a program, a web identity, or the role of the machine, in that order."""

from __future__ import annotations

import json
import os
import sys

import pytest
from harness.bench import wait_until
from harness.fault_server import FaultServer

from runner.executor.ansible.processes import is_alive
from runner.kinds.probes.asked_service import UnknownError
from runner.kinds.probes.aws_credentials import domain, find, region_of
from runner.kinds.probes.sigv4 import Credentials

ROLE = "arn:aws:iam::123456789012:role/runbook"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "env-id", "AWS_SECRET_ACCESS_KEY": "env-key"}


@pytest.fixture
def home(tmp_path):
    (tmp_path / ".aws").mkdir()
    return tmp_path


@pytest.fixture
def environ(home):
    """Of a machine without a role."""
    return {"HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"}


def write(home, name, text):
    (home / ".aws" / name).write_text(text)


def why(environ, **more):
    with pytest.raises(UnknownError) as error:
        find(environ, region="eu-central-1", **more)
    return str(error.value)


def test_keys_of_the_environment_come_first(home, environ):
    write(home, "credentials", "[default]\naws_access_key_id = file-id\naws_secret_access_key = file-key\n")

    assert find({**environ, **ENVIRONMENT}, region="-") == Credentials("env-id", "env-key")
    assert find({**environ, **ENVIRONMENT, "AWS_SESSION_TOKEN": "t"}, region="-") == Credentials(
        "env-id", "env-key", "t"
    )
    assert find(environ, region="-") == Credentials("file-id", "file-key")
    assert find({**environ, **ENVIRONMENT}, profile="default", region="-") == Credentials("file-id", "file-key")


def test_a_profile_is_found_in_both_files(home, environ):
    write(home, "config", "[profile shop]\nregion = eu-west-1\naws_access_key_id = id\naws_secret_access_key = old\n")
    write(home, "credentials", "[shop]\naws_secret_access_key = new\naws_session_token = t\n")

    assert find({**environ, "AWS_PROFILE": "shop"}, region="-") == Credentials("id", "new", "t")
    assert find(environ, profile="shop", region="-") == Credentials("id", "new", "t")


def test_a_program_gives_them(home, environ):
    found = {"Version": 1, "AccessKeyId": "id", "SecretAccessKey": "key", "SessionToken": "t", "Expiration": "-"}
    (home / "keys.py").write_text(f"print({json.dumps(json.dumps(found))})")
    write(home, "config", f"[default]\ncredential_process = {sys.executable} {home}/keys.py\n")
    assert find(environ, region="-") == Credentials("id", "key", "t")
    # A program that fails, or says something else, gives none, and what it says is not repeated
    for text in ("raise SystemExit(3)", "print('secret')", "print('{\"Version\": 2}')"):
        (home / "keys.py").write_text(text)
        assert why(environ) == "the credential_process of the profile of AWS gives no credentials"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[default]\naws_access_key_id = id\n", "the profile has only a part of the credentials of AWS"),
        (
            "[profile shop]\nregion = eu-west-1\n",
            "there are no credentials of AWS: not in the environment, not in a profile",
        ),
        (
            f"[default]\nrole_arn = {ROLE}\nsource_profile = shop\n",
            "the profile of AWS takes a role or signs on, which is not done here",
        ),
        ("[default]\nsso_session = shop\n", "the profile of AWS takes a role or signs on, which is not done here"),
        ("aws_secret_access_key = hunter2\n", "/.aws/config is no file of AWS' tools that can be read"),
    ],
)
def test_a_profile_that_cannot_be_used_says_why(home, environ, config, said):
    write(home, "config", config)
    message = why(environ)
    assert said in message
    assert "hunter2" not in message


def test_a_profile_that_is_not_there_says_so(environ):
    assert why(environ, profile="shop") == "there is no profile shop of AWS"
    assert why({**environ, "AWS_PROFILE": "shop"}) == "there is no profile shop of AWS"
    assert why({**environ, "AWS_ACCESS_KEY_ID": "id"}) == "the environment has only a part of the credentials of AWS"


def test_a_web_identity_is_given_a_role(home, environ, aws):
    (home / "identity").write_text("a-token-of-a-cluster\n")
    identity = {**environ, "AWS_WEB_IDENTITY_TOKEN_FILE": str(home / "identity"), "AWS_ROLE_ARN": ROLE}

    found = find(identity, region="eu-central-1", sts=aws.url)

    assert (found.key_id[:4], len(found.key) > 20, bool(found.token)) == ("ASIA", True, True)
    (home / "identity").unlink()
    assert why(identity, sts=aws.url) == f"the web identity in {home}/identity cannot be read"


def test_a_pipe_to_which_nobody_writes_holds_nobody_up(home, environ):
    for name in ("config", "identity"):
        os.mkfifo(home / name)
    environ = {**environ, "AWS_CONFIG_FILE": str(home / "config")}

    assert why(environ) == "there are no credentials of AWS: not in the environment, not in a profile"
    identity = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(home / "identity"), "AWS_ROLE_ARN": ROLE}
    assert why(environ | identity) == f"the web identity in {home}/identity cannot be read"


def test_a_web_identity_that_is_refused_says_why(home, environ):
    (home / "identity").write_text("a-token-of-a-cluster\n")
    identity = {**environ, "AWS_WEB_IDENTITY_TOKEN_FILE": str(home / "identity"), "AWS_ROLE_ARN": ROLE}
    said = b"<ErrorResponse xmlns='a'><Error><Code>AccessDenied</Code><Message>Not this one</Message></Error></ErrorResponse>"
    with FaultServer(("403", {}, said)) as sts:
        assert why(identity, sts=sts.root) == "AWS gives the web identity no role: Not this one"
    (request,) = sts.requests
    assert b"WebIdentityToken=a-token-of-a-cluster" in request.body
    assert "Authorization" not in request.headers


def metadata(request):
    """The metadata of an instance, which only who has a session learns (IMDSv2)."""
    if request.method == "PUT" and request.path == "/latest/api/token":
        return (200, b"a-session") if request.headers.get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") else (400, b"")
    if request.headers.get("X-Aws-Ec2-Metadata-Token") != "a-session":
        return 401, b""
    role = {"Code": "Success", "AccessKeyId": "id", "SecretAccessKey": "key", "Token": "t"}
    root = "/latest/meta-data/iam/security-credentials/"
    return {root: (200, b"runbook"), f"{root}runbook": (200, json.dumps(role).encode())}.get(request.path, (404, b""))


def test_the_role_of_the_machine_comes_last(environ):
    with FaultServer(service=metadata) as instance:
        machine = {**environ, "AWS_EC2_METADATA_SERVICE_ENDPOINT": instance.root, "AWS_EC2_METADATA_DISABLED": "false"}
        assert find(machine, region="-") == Credentials("id", "key", "t")
        assert find({**machine, **ENVIRONMENT}, region="-") == Credentials("env-id", "env-key")
    assert [request.method for request in instance.requests] == ["PUT", "GET", "GET"]


def test_a_machine_without_a_role_has_none(environ):
    machine = {**environ, "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9", "AWS_EC2_METADATA_DISABLED": ""}
    assert why(machine) == "there are no credentials of AWS: no environment, profile, web identity or role"


def test_the_region_is_where_the_tools_look_for_it(home, environ):
    write(home, "config", "[default]\nregion = eu-west-1\n[profile shop]\nregion = eu-west-2\n")

    assert region_of(environ) == "eu-west-1"
    assert region_of({**environ, "AWS_DEFAULT_REGION": "us-east-1"}) == "us-east-1"
    assert region_of({**environ, "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-2"}) == "us-east-2"
    assert region_of({**environ, "AWS_REGION": "us-east-2"}, "shop") == "eu-west-2"
    assert (domain("eu-west-1"), domain("cn-north-1")) == ("amazonaws.com", "amazonaws.com.cn")
    write(home, "config", "")
    with pytest.raises(UnknownError, match="no region of AWS is named; say `region`"):
        region_of(environ)


def test_a_program_that_hangs_is_ended_with_what_it_has_started(home, environ):
    # Given a program that has started another one, and asks for a password that nobody types
    started = home / "started"
    (home / "keys.py").write_text(
        "import subprocess, sys, time\n"
        f"with open({str(started)!r}, 'w') as file: print(subprocess.Popen(['sleep', '600']).pid, file=file)\n"
        "sys.stdin.read()\ntime.sleep(600)\n"
    )
    write(home, "config", f"[default]\ncredential_process = {sys.executable} {home}/keys.py\n")
    # When
    told = why(environ)
    # Then
    late = "does not end within 5 s, and may wait for somebody; it was ended"
    assert told == f"the credential_process of the profile of AWS {late}"
    wait_until(lambda: not is_alive(int(started.read_text())), "what it has started has ended")
