"""Secrets of AWS, from moto's server; what is missing, refused or locked says what to type."""

from __future__ import annotations

import json

import pytest
from harness.fault_server import FaultServer
from harness.moto_server import REGION, moto
from harness.secret_stores import CANARY, looked_up, refused

from runner.core.secrets import SecretReference, SecretUnavailableError
from runner.kinds.secrets.aws_stores import SecretsManager

LOGIN = "type: aws sso login, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with moto(tmp_path_factory.mktemp("moto")) as made:
        secrets, parameters = made.client("secretsmanager"), made.client("ssm")
        secrets.create_secret(Name="prod/db", SecretString=json.dumps({"password": CANARY, "port": 5432}))
        secrets.create_secret(Name="prod/key", SecretString=f"{CANARY} of key")
        secrets.create_secret(Name="prod/bytes", SecretBinary=b"\x00\x01")
        parameters.put_parameter(Name="/prod/db/password", Value=f"{CANARY} of ssm", Type="SecureString")
        yield made


@pytest.fixture
def environ(tmp_path):
    """Keys, a region, and nothing else of this machine that AWS' tools would look at."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "a-key-of-a-test"}
    return {**keys, "AWS_REGION": REGION, "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.mark.parametrize(
    ("reference", "secret"),
    [
        ("aws-sm:prod/db#password", CANARY),
        ("aws-sm:prod/key", f"{CANARY} of key"),
        ("aws-ssm:/prod/db/password", f"{CANARY} of ssm"),
    ],
)
def test_the_secret_is_read(aws, environ, reference, secret):
    assert looked_up(reference, {**environ, "AWS_ENDPOINT_URL": aws.url}) == secret


def test_a_secret_by_its_arn_is_of_the_region_that_stands_there(aws, environ):
    arn = aws.client("secretsmanager").describe_secret(SecretId="prod/key")["ARN"]
    del environ["AWS_REGION"]

    assert looked_up(f"aws-sm:{arn}", {**environ, "AWS_ENDPOINT_URL_SECRETS_MANAGER": aws.url}) == f"{CANARY} of key"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("aws-sm:prod/none", "AWS does not give aws-sm:prod/none: ResourceNotFoundException"),
        ("aws-ssm:/none", "AWS does not give aws-ssm:/none: ParameterNotFound"),
        ("aws-sm:prod/db#absent", "aws-sm:prod/db has no text behind 'absent'"),
        ("aws-sm:prod/db#port", "aws-sm:prod/db has no text behind 'port'"),
        ("aws-sm:prod/key#password", "aws-sm:prod/key has no text behind 'password'"),
        ("aws-sm:prod/bytes", "aws-sm:prod/bytes is not text"),
    ],
)
def test_what_is_not_there(aws, environ, reference, message):
    assert refused(reference, {**environ, "AWS_ENDPOINT_URL": aws.url}).startswith(message)


def test_who_is_not_logged_in_is_told_what_to_type(environ):
    del environ["AWS_ACCESS_KEY_ID"]

    assert refused("aws-sm:prod/db", environ) == (
        f"there are no credentials of AWS: not in the environment, not in a profile; {LOGIN}"
    )
    assert refused("aws-ssm:/a", {"HOME": environ["HOME"]}) == f"no region of AWS is named; say `region`; {LOGIN}"


@pytest.mark.parametrize("code", ["ExpiredTokenException", "AccessDeniedException"])
def test_what_is_closed_says_what_to_type_and_the_answer_is_not_repeated(environ, code):
    said = json.dumps({"__type": f"com.amazonaws#{code}", "Message": f"not for {CANARY}"}).encode()
    with FaultServer(("400", {}, said)) as server:
        message = refused("aws-sm:prod/db", {**environ, "AWS_ENDPOINT_URL": server.root})

    assert message == f"AWS does not give aws-sm:prod/db: {code}; {LOGIN}"
    (request,) = server.requests
    assert request.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
    assert b"a-key-of-a-test" not in request.body + repr(request.headers).encode()


class Hurried(SecretsManager):
    patience = 0.3


def test_a_program_that_knows_credentials_holds_nobody_up(environ, tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[default]\ncredential_process = sleep 2\n")
    del environ["AWS_ACCESS_KEY_ID"]

    with pytest.raises(SecretUnavailableError) as caught:
        Hurried().read(SecretReference.parse("aws-sm:prod/db"), environ)

    assert str(caught.value) == f"AWS gives no credentials in time; {LOGIN}"
