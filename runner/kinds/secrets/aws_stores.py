"""`aws-sm:NAME#KEY` and `aws-ssm:/NAME`: AWS Secrets Manager, and the parameters of AWS Systems Manager.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html and
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html describe what is asked.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from runner.core.secrets import SecretReference, SecretUnavailableError
from runner.kinds.secrets.base import PATIENCE, SecretStore


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
        from runner.kinds.secrets.aws_request import AwsRequest  # noqa: PLC0415 - it imports all that speaks HTTP

        request = AwsRequest(self.service, self.target, environ.get(self.variable, ""), self.patience)
        return self.text(reference, request.answer(reference, self.question(reference.where), environ))

    def question(self, name: str) -> Mapping[str, Any]:
        """What is asked for the secret `name`."""
        raise NotImplementedError

    def text(self, reference: SecretReference, content: Mapping[str, Any]) -> str:
        """The secret in what is answered."""
        raise NotImplementedError


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
