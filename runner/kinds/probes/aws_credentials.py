"""Finds who asks AWS, in the places and the order of its own tools: environment, profile, web identity, instance.

https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

from __future__ import annotations

import configparser
import json
import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from .asked_service import ServiceAnswer, UnknownError, send, short
from .sigv4 import FORM, Credentials

_OK = 200
_METADATA = "http://169.254.169.254"
_FEW_SECONDS = 2.0
"""How long the address of an instance's metadata is waited for, which on other machines nobody has."""
_MOST = 1_048_576
"""Characters of a file of AWS' tools, of which none is so long."""

_A_WHILE = 5.0
"""Seconds for a program that knows credentials."""
_SESSION = "runbook"
Environ = Mapping[str, str]


def find(environ: Environ, *, profile: str = "", region: str, sts: str = "") -> Credentials:
    """The credentials of the `profile`, else those that the environment, files or the machine have.

    `sts` is the address of the service that gives a web identity a role; empty for that of the `region`.

    Raises:
        UnknownError: there are none.
    """
    if not profile and environ.get("AWS_ACCESS_KEY_ID"):
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return _credentials(environ, names, "the environment")
    settings = profile_settings(environ, profile)
    settings = {**settings, **({} if profile else _web_identity(environ))}
    if settings.get("web_identity_token_file"):
        return _by_web_identity(settings, sts or f"https://sts.{region}.{domain(region)}")
    if settings.get("role_arn") or settings.get("sso_session") or settings.get("sso_start_url"):
        hint = "let it have credential_process = aws configure export-credentials --profile NAME --format process"
        raise UnknownError(f"the profile of AWS takes a role or signs on, which is not done here; {hint}")
    if settings.get("aws_access_key_id"):
        return _credentials(
            settings, ("aws_access_key_id", "aws_secret_access_key", "aws_session_token"), "the profile"
        )
    if settings.get("credential_process"):
        return _by_process(settings["credential_process"])
    if profile:
        raise UnknownError(f"the profile {profile} of AWS has no credentials")
    return _of_instance(environ)


def domain(region: str) -> str:
    """The domain of AWS' services in a region."""
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def region_of(environ: Environ, profile: str = "") -> str:
    """The region that the environment or the profile names.

    Raises:
        UnknownError: they name none.
    """
    named = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    found = (not profile and named) or profile_settings(environ, profile).get("region") or named
    if not found:
        raise UnknownError("no region of AWS is named; say `region`")
    return found


def profile_settings(environ: Environ, profile: str = "") -> Mapping[str, str]:
    """What the files of AWS' tools say of the profile; what stands among the credentials counts more.

    Raises:
        UnknownError: a file cannot be read, or there is no such profile.
    """
    name = profile or environ.get("AWS_PROFILE") or "default"
    home = Path(environ.get("HOME") or "~").expanduser() / ".aws"
    config = _sections(Path(environ.get("AWS_CONFIG_FILE") or home / "config"))
    secrets = _sections(Path(environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials"))
    section = name if name == "default" else f"profile {name}"
    if name != "default" and section not in config and name not in secrets:
        raise UnknownError(f"there is no profile {name} of AWS")
    return {**config.get(section, {}), **secrets.get(name, {})}


def _sections(path: Path) -> Mapping[str, Mapping[str, str]]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(_text_in(path.expanduser()))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, configparser.Error):
        raise UnknownError(f"{path} is no file of AWS' tools that can be read") from None  # its lines may be secrets
    return {name: dict(parser[name]) for name in parser.sections()}


def _text_in(path: Path) -> str:
    """What a file says, as far as it is not too long; one that is a pipe holds nobody up."""
    with open(path, encoding="utf-8", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        return file.read(_MOST)


def _web_identity(environ: Environ) -> Mapping[str, str]:
    names = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME")
    return {name[4:].lower(): environ[name] for name in names if environ.get(name)}


def _credentials(found: Mapping[str, Any], names: tuple[str, str, str], where: str) -> Credentials:
    key_id, key, token = (found.get(name) or "" for name in names)
    if not (isinstance(key_id, str) and isinstance(key, str) and isinstance(token, str) and key_id and key):
        raise UnknownError(f"{where} has only a part of the credentials of AWS")
    return Credentials(key_id, key, token)


def _by_web_identity(settings: Mapping[str, str], sts: str) -> Credentials:
    path = settings["web_identity_token_file"]
    try:
        token = _text_in(Path(path)).strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if not token:
        raise UnknownError(f"the web identity in {path} cannot be read")
    form = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "WebIdentityToken": token}
    form |= {"RoleArn": settings.get("role_arn", ""), "RoleSessionName": settings.get("role_session_name", _SESSION)}
    body = urlencode(form).encode()
    answer = send("STS of AWS", sts, method="POST", headers={"Content-Type": FORM}, body=body)
    if answer.status != _OK:
        raise UnknownError(f"AWS gives the web identity no role: {short(text_of(xml(answer), 'Message'))}")
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    tree = xml(answer)
    return _credentials({name: text_of(tree, name) for name in names}, names, "the role of a web identity")


def xml(answer: ServiceAnswer) -> ET.Element:
    """What AWS says, without the names of its namespaces.

    Raises:
        UnknownError: it is no XML.
    """
    try:
        tree = ET.fromstring(answer.body)  # noqa: S314 - of a service that one has credentials for; expat 2.6
    except ET.ParseError:
        raise strange(answer) from None
    for element in tree.iter():
        element.tag = element.tag.rpartition("}")[2]
    return tree


def strange(answer: ServiceAnswer) -> UnknownError:
    """That an answer is not one of AWS."""
    return UnknownError(f"AWS answers with something else than it should, status {answer.status}; is that its address?")


def text_of(tree: ET.Element, name: str) -> str:
    """The text of the first element called so; empty where there is none."""
    return tree.findtext(f".//{name}") or ""


def _by_process(command: str) -> Credentials:
    try:
        found = json.loads(_written_by(command))
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("Version") != 1:
        raise UnknownError("the credential_process of the profile of AWS gives no credentials")
    return _credentials(found, ("AccessKeyId", "SecretAccessKey", "SessionToken"), "the credential_process")


def _written_by(command: str) -> bytes:
    """What a program writes that ends well; where it takes too long it is ended, with all that it has started."""
    nobody = subprocess.DEVNULL
    with tempfile.TemporaryFile() as output:  # no pipe: one that the program hands on has no end
        try:
            argv = shlex.split(command)
            process = subprocess.Popen(argv, stdin=nobody, stdout=output, stderr=nobody, start_new_session=True)
        except (OSError, ValueError):
            return b""
        try:
            code = process.wait(_A_WHILE)
        except subprocess.TimeoutExpired:
            late = f"does not end within {_A_WHILE:g} s, and may wait for somebody; it was ended"
            raise UnknownError(f"the credential_process of the profile of AWS {late}") from None
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        return output.read() if code == 0 else b""


def _of_instance(environ: Environ) -> Credentials:
    """Those of the role of this machine, which its metadata tells to who has asked for a session first (IMDSv2)."""
    root = (environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or _METADATA).rstrip("/")
    if environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        raise UnknownError("there are no credentials of AWS: not in the environment, not in a profile")
    try:
        session = _metadata(f"{root}/latest/api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        given = {"X-aws-ec2-metadata-token": session}
        roles = f"{root}/latest/meta-data/iam/security-credentials/"
        role = _metadata(roles, "GET", given).split("\n")[0].strip()
        found = json.loads(_metadata(f"{roles}{role}", "GET", given))
    except UnknownError:
        raise UnknownError("there are no credentials of AWS: no environment, profile, web identity or role") from None
    except ValueError:
        found = {}
    return _credentials(found, ("AccessKeyId", "SecretAccessKey", "Token"), "the role of this machine")


def _metadata(url: str, method: str, headers: Mapping[str, str]) -> str:
    answer = send("the metadata", url, method=method, headers=headers, seconds=_FEW_SECONDS, direct=True)
    if answer.status != _OK:
        raise UnknownError(f"status {answer.status}")
    return answer.body.decode()
