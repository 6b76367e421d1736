"""A question to a service of AWS that keeps secrets: signed, within seconds, and with errors that say what to do."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from runner.channels.exchange import Exchange, WebRequest
from runner.channels.transport import legible
from runner.core.deferred import dataclass
from runner.core.secrets import SecretReference, SecretUnavailableError
from runner.kinds.probes.asked_service import UnknownError
from runner.kinds.probes.aws_credentials import domain, find, region_of
from runner.kinds.probes.sigv4 import Credentials, signed
from runner.kinds.secrets.service import SecretService

_JSON = "application/x-amz-json-1.1"
_LOGIN = "aws sso login, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_EXPIRED = frozenset(
    {"ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException", "AccessDeniedException"}
)


@dataclass(frozen=True, slots=True)
class AwsRequest:
    """What is asked of a `service`: the `target` is what it does, the `address` where it is if not in its region.

    Credentials are found within `patience` seconds, whatever a program or a service that knows them does.
    """

    service: str
    target: str
    address: str
    patience: float

    def answer(
        self, reference: SecretReference, question: Mapping[str, Any], environ: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """What the service answers to the `question` about `reference`.

        Raises:
            SecretUnavailableError: it does not, or nobody is logged in.
        """
        try:
            region = _region(reference.where, environ)
            credentials = self._credentials(region, environ)
        except (UnknownError, TimeoutError) as error:
            why = str(error) or "AWS gives no credentials in time"
            raise SecretUnavailableError(f"{why}; type: {_LOGIN}") from None
        address = self.address or environ.get("AWS_ENDPOINT_URL")
        service = SecretService("AWS", address or f"https://{self.service}.{region}.{domain(region)}")
        url, body = f"{service.address}/", json.dumps(question).encode()
        now = datetime.now(UTC)
        headers = signed(
            url, body, service=self.service, region=region, credentials=credentials, now=now, content_type=_JSON
        )
        answer = service.ask(WebRequest(url, body, {**headers, "X-Amz-Target": self.target}))
        if answer.status != 200:  # noqa: PLR2004 - what HTTP calls a success
            raise _refusal(reference, answer.status, answer.content)
        return answer.content

    def _credentials(self, region: str, environ: Mapping[str, str]) -> Credentials:
        sts = environ.get("AWS_ENDPOINT_URL_STS", "")
        return Exchange[Credentials](
            lambda _: find(environ, region=region, sts=sts), self.patience, self.patience
        ).result()


def _region(name: str, environ: Mapping[str, str]) -> str:
    """That of the name, where it is an ARN."""
    return name.split(":")[3] if name.startswith("arn:") and name.count(":") > 4 else region_of(environ)  # noqa: PLR2004


def _refusal(reference: SecretReference, status: int, content: Mapping[str, Any]) -> SecretUnavailableError:
    code = legible(str(content.get("__type", "")).rpartition("#")[2]) or f"answered {status}"
    login = f"; type: {_LOGIN}" if code in _EXPIRED else ""
    return SecretUnavailableError(f"AWS does not give {reference.kind}:{reference.where}: {code}{login}")
