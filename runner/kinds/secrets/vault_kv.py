"""`vault-kv:MOUNT/PATH#FIELD`: a field of a secret in the KV engine of OpenBao or HashiCorp Vault.

https://openbao.org/api-docs/secret/kv/ and https://openbao.org/api-docs/auth/approle/ describe what is asked.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from runner.channels.exchange import HttpAnswer, WebRequest
from runner.core.errors import InvalidInputError
from runner.core.limited_file import read_limited
from runner.core.secrets import SecretReference, SecretUnavailableError
from runner.kinds.secrets.base import LONGEST, SecretStore
from runner.kinds.secrets.service import SecretService

_OK, _NOT_FOUND, _SEALED = 200, 404, 503


class VaultKv(SecretStore):
    """The server is `BAO_ADDR` or `VAULT_ADDR`, as for its own command; both versions of the engine are understood.

    The token is `BAO_TOKEN` or `VAULT_TOKEN`, else what AppRole gives for `VAULT_ROLE_ID` with `VAULT_SECRET_ID` or the
    file `VAULT_SECRET_ID_FILE` (mounted at `VAULT_APPROLE_PATH`, `approle` unless it is set), else what the last login
    has left in `~/.vault-token`.
    """

    key = "vault-kv"

    def read(self, reference: SecretReference, environ: Mapping[str, str]) -> str:
        """The text of the field."""
        address = _variable("ADDR", environ)
        if not address:
            raise SecretUnavailableError("neither BAO_ADDR nor VAULT_ADDR says where the server is")
        vault = _Server(SecretService("Vault", address), _variable("NAMESPACE", environ))
        token = _variable("TOKEN", environ) or vault.app_role(environ) or _token_file(environ)
        if not token:
            raise vault.closed("nobody is logged in")
        fields = vault.secret(token, reference.where)
        value = fields.get(reference.key)
        if not isinstance(value, str):
            what = "is not text" if reference.key in fields else "is not there"
            raise SecretUnavailableError(f"the field {reference.key!r} of {reference.where} {what}")
        return value


def _variable(name: str, environ: Mapping[str, str]) -> str:
    return environ.get(f"BAO_{name}") or environ.get(f"VAULT_{name}") or ""


def _token_file(environ: Mapping[str, str]) -> str:
    """The token of the last login on this machine; empty where there is none."""
    return _text_of(Path(environ.get("HOME") or Path.home()) / ".vault-token")


def _text_of(path: Path) -> str:
    try:
        return read_limited(path, LONGEST).decode("utf-8").strip()
    except (InvalidInputError, UnicodeDecodeError):
        return ""


class _Server:
    """One server, and the namespace that is meant in it."""

    def __init__(self, service: SecretService, namespace: str) -> None:
        self._service, self._headers = service, {"X-Vault-Namespace": namespace} if namespace else {}

    def closed(self, why: str) -> SecretUnavailableError:
        """That the server does not open to this command, and how a person logs in."""
        login = f"BAO_ADDR={self._service.address} bao login (or vault login)"
        return SecretUnavailableError(f"{self._service.name} at {self._service.address}: {why}; type: {login}")

    def app_role(self, environ: Mapping[str, str]) -> str:
        """The token that AppRole gives to this command; empty where the environment names no role."""
        role = environ.get("VAULT_ROLE_ID")
        if not role:
            return ""
        secret = environ.get("VAULT_SECRET_ID") or _text_of(Path(environ.get("VAULT_SECRET_ID_FILE", "/dev/null")))
        body = json.dumps({"role_id": role, "secret_id": secret}).encode()
        mount = environ.get("VAULT_APPROLE_PATH", "approle").strip("/")
        answer = self._ask(f"auth/{mount}/login", body=body)
        token = (answer.content.get("auth") or {}).get("client_token")
        if answer.status != _OK or not isinstance(token, str):
            mend = "check VAULT_ROLE_ID and VAULT_SECRET_ID, which may have expired"
            raise SecretUnavailableError(f"{self._service.name} refuses the AppRole (answered {answer.status}); {mend}")
        return token

    def secret(self, token: str, path: str) -> Mapping[str, Any]:
        """All fields of the secret at `path`, which begins with its mount."""
        mount = self._data(self._ask(f"sys/internal/ui/mounts/{quote(path)}", token), path)
        root = str(mount.get("path") or "")
        version = (mount.get("options") or {}).get("version")
        rest = quote(path.removeprefix(root))
        if version != "2":
            return self._data(self._ask(f"{quote(root)}{rest}", token), path)
        fields = self._data(self._ask(f"{quote(root)}data/{rest}", token), path).get("data")
        return fields if isinstance(fields, Mapping) else {}

    def _ask(self, path: str, token: str = "", *, body: bytes | None = None) -> HttpAnswer:
        headers = {**self._headers, "X-Vault-Request": "true"} | ({"X-Vault-Token": token} if token else {})
        url = f"{self._service.address}/v1/{path}"
        return self._service.ask(WebRequest(url, body, headers, "POST" if body else "GET"))

    def _data(self, answer: HttpAnswer, path: str) -> Mapping[str, Any]:
        """What the answer holds.

        Raises:
            SecretUnavailableError: it is a refusal.
        """
        data = answer.content.get("data")
        if answer.status == _OK and isinstance(data, Mapping):
            return data
        if answer.status == _NOT_FOUND:
            raise SecretUnavailableError(f"{self._service.name} has no {path}, or its last version is deleted")
        if answer.status == _SEALED:
            where = f"{self._service.name} at {self._service.address}"
            raise SecretUnavailableError(f"{where} is sealed; type: bao operator unseal")
        raise self.closed(f"it does not let this token read {path} (answered {answer.status})")
