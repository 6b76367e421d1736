"""AWS as moto has it: its server in a process of its own, and botocore to make what a test needs there."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import PATIENCE
from harness.monitoring import answers, free_port, until

REGION = "eu-central-1"


@dataclass(frozen=True)
class Moto:
    """Where it answers, for every service."""

    url: str

    def client(self, service):
        """botocore's client."""
        import botocore.session  # noqa: PLC0415 - only where moto is installed

        session = botocore.session.Session()
        keys = {"aws_access_key_id": "maker", "aws_secret_access_key": "of-fixtures"}
        return session.create_client(service, region_name=REGION, endpoint_url=self.url, **keys)

    def reset(self):
        request = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")
        urllib.request.urlopen(request, timeout=PATIENCE).close()  # which loads every service that it has


@contextmanager
def moto(directory: Path) -> Iterator[Moto]:
    """The server; the test is skipped by name where moto is not installed."""
    if importlib.util.find_spec("moto") is None:
        pytest.skip("not installed: moto[server]")
    made = Moto(f"http://127.0.0.1:{(port := free_port())}")
    with (directory / "moto.log").open("wb") as log:
        words = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        until(lambda: answers(f"{made.url}/moto-api/"), "moto is ready")
        yield made
    finally:
        process.kill()
        process.wait()
