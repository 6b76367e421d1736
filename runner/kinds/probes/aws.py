"""One question to a service of AWS that answers in XML."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from .asked_service import UnknownError, send, short
from .aws_credentials import domain, find, region_of, strange, text_of, xml
from .probe_question import Question
from .sigv4 import signed

_OK = 200


@dataclass
class RefusedError(Exception):
    """AWS does not do what it is asked: its own code of why, and what it says."""

    code: str
    message: str


@dataclass(frozen=True)
class AwsService:
    """A service in one region: its name in a signature, its version, where it is, and on whose behalf it is asked."""

    service: str
    version: str
    region: str
    url: str
    profile: str
    seconds: float

    @classmethod
    def of(cls, service: str, version: str, question: Question) -> AwsService:
        """The `service` in the region of the question, or in that of the user's settings."""
        profile = question.get("PROFILE", "")
        region = question.get("REGION") or region_of(os.environ, profile)
        url = question.get("URL") or f"https://{service}.{region}.{domain(region)}"
        return cls(service, version, region, url, profile, float(question.get("SECONDS", "10")))

    def ask(self, action: str, form: Mapping[str, str], now: float) -> ET.Element:
        """What it answers to `action`.

        Raises:
            RefusedError: it refuses.
            UnknownError: there are no credentials, or no answer.
        """
        sts = os.environ.get("AWS_ENDPOINT_URL_STS", "")
        credentials = find(os.environ, profile=self.profile, region=self.region, sts=sts)
        body = urlencode({"Action": action, "Version": self.version, **form}).encode()
        url, at = f"{self.url.rstrip('/')}/", datetime.fromtimestamp(now, UTC)
        headers = signed(url, body, service=self.service, region=self.region, credentials=credentials, now=at)
        answer = send(f"AWS at {self.url}", url, method="POST", headers=headers, body=body, seconds=self.seconds)
        tree = xml(answer)
        if answer.status == _OK:
            return tree
        if code := text_of(tree, "Code"):
            raise RefusedError(code, short(text_of(tree, "Message")))
        raise strange(answer)


def refused(refusal: RefusedError) -> UnknownError:
    """That AWS refuses, in a sentence."""
    return UnknownError(f"AWS refuses: {refusal.code}: {refusal.message}")
