"""`aws-sm:NAME#KEY` and `aws-ssm:/NAME`: AWS Secrets Manager, and the parameters of AWS Systems Manager.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html and
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html describe what is asked.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from runner.channels.exchange import Exchange, WebRequest
from runner.channels.transport import legible
from runner.core.secrets import SecretReference, SecretUnavailableError
from runner.kinds.probes.asked_service import UnknownError
from runner.kinds.probes.aws_credentials import domain, find, region_of
from runner.kinds.probes.sigv4 import Credentials, signed
from runner.kinds.secrets.base import PATIENCE, SecretStore
from runner.kinds.secrets.service import SecretService

_JSON = "application/x-amz-json-1.1"
_LOGIN = "aws sso login, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_EXPIRED = frozenset(
    {"ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException", "AccessDeniedException"}
)


class AwsStore(SecretStore):
    """A service of AWS that keeps secrets; credentials and region are found where AWS' own tools find them.

    `AWS_ENDPOINT_URL`, and the variable of the service that is named like it, say that it is elsewhere.
    """

    service: ClassVar[str]
    target: ClassVar[str]
    variable: ClassVar[str]
    patience: ClassVar[float] = PATIENCE

    def read(self, reference: SecretReference, environ: Mapping[str, str]) -> str:
        """The text that is kept under that name."""
        try:
            region = self._region(reference.where, environ)
            credentials = self._credentials(region, environ)
        except (UnknownError, TimeoutError) as error:
            why = str(error) or "AWS gives no credentials in time"
            raise SecretUnavailableError(f"{why}; type: {_LOGIN}") from None
        address = environ.get(self.variable) or environ.get("AWS_ENDPOINT_URL")
        service = SecretService("AWS", address or f"https://{self.service}.{region}.{domain(region)}")
        url, body = f"{service.address}/", json.dumps(self.question(reference.where)).encode()
        now = datetime.now(UTC)
        headers = signed(
            url, body, service=self.service, region=region, credentials=credentials, now=now, content_type=_JSON
        )
        answer = service.ask(WebRequest(url, body, {**headers, "X-Amz-Target": self.target}))
        if answer.status != 200:  # noqa: PLR2004 - what HTTP calls a success
            raise self._refusal(reference, answer.status, answer.content)
        return self.text(reference, answer.content)

    def question(self, name: str) -> Mapping[str, Any]:
        """What is asked for the secret `name`."""
        raise NotImplementedError

    def text(self, reference: SecretReference, content: Mapping[str, Any]) -> str:
        """The secret in what is answered."""
        raise NotImplementedError

    def _region(self, name: str, environ: Mapping[str, str]) -> str:
        """That of the name, where it is an ARN."""
        return name.split(":")[3] if name.startswith("arn:") and name.count(":") > 4 else region_of(environ)  # noqa: PLR2004

    def _credentials(self, region: str, environ: Mapping[str, str]) -> Credentials:
        """Found within `patience` seconds, whatever a program or a service that knows them does."""
        sts = environ.get("AWS_ENDPOINT_URL_STS", "")
        return Exchange[Credentials](
            lambda _: find(environ, region=region, sts=sts), self.patience, self.patience
        ).result()

    def _refusal(self, reference: SecretReference, status: int, content: Mapping[str, Any]) -> SecretUnavailableError:
        code = legible(str(content.get("__type", "")).rpartition("#")[2]) or f"answered {status}"
        login = f"; type: {_LOGIN}" if code in _EXPIRED else ""
        return SecretUnavailableError(f"AWS does not give {self.key}:{reference.where}: {code}{login}")


class SecretsManager(AwsStore):
    """`aws-sm:NAME#KEY`: a secret, or the text behind a key of one that is a JSON object."""

    key = "aws-sm"
    service, target, variable = "secretsmanager", "secretsmanager.GetSecretValue", "AWS_ENDPOINT_URL_SECRETS_MANAGER"

    def question(self, name: str) -> Mapping[str, Any]:
        """By its name or ARN."""
        return {"SecretId": name}

    def text(self, reference: SecretReference, content: Mapping[str, Any]) -> str:
        """The whole text, or what it has behind the key."""
        whole = content.get("SecretString")
        if not isinstance(whole, str):
            raise SecretUnavailableError(f"{self.key}:{reference.where} is not text")
        if not reference.key:
            return whole
        try:
            value = json.loads(whole)[reference.key]
        except (ValueError, LookupError, TypeError, RecursionError):
            value = None
        if not isinstance(value, str):
            raise SecretUnavailableError(f"{self.key}:{reference.where} has no text behind {reference.key!r}")
        return value


class ParameterStore(AwsStore):
    """`aws-ssm:/NAME`: a parameter, decrypted where it is a SecureString."""

    key = "aws-ssm"
    service, target, variable = "ssm", "AmazonSSM.GetParameter", "AWS_ENDPOINT_URL_SSM"

    def question(self, name: str) -> Mapping[str, Any]:
        """By its name or ARN."""
        return {"Name": name, "WithDecryption": True}

    def text(self, reference: SecretReference, content: Mapping[str, Any]) -> str:
        """Its value."""
        value = (content.get("Parameter") or {}).get("Value")
        if not isinstance(value, str):
            raise SecretUnavailableError(f"{self.key}:{reference.where} is not text")
        return value
