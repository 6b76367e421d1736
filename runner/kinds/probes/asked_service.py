"""One question to a service over HTTP, and the one line in which a probe answers."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from .probe_question import PREFIX, Question, check_address

_SECRETS = ("PROBE_TOKEN", "PROBE_API_KEY", "PROBE_APP_KEY")
_LARGEST = 16 * 1024**2
"""Bytes of an answer."""
_LONGEST = 200
"""Characters of what a service says, in a sentence."""
_OK = 200
_NOTHING: Mapping[str, str] = MappingProxyType({})


class UnknownError(Exception):
    """Nobody can tell how things stand; the message is a sentence that says why."""


class OtherwiseError(UnknownError):
    """It is known how things stand, and they are not as was asked."""


@dataclass(frozen=True)
class ServiceAnswer:
    """What a service has answered; `at` is the time by its own clock, where it says that, else by this machine's."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def at(self) -> datetime:
        """The time of the answer."""
        try:
            return parsedate_to_datetime(self.headers.get("Date", ""))
        except (TypeError, ValueError):
            return datetime.now(UTC)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other: elsewhere nobody may learn the token."""

    def redirect_request(self, *arguments: Any) -> None:
        """Nothing is asked again."""


def send(
    name: str,
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] = _NOTHING,
    body: bytes | None = None,
    seconds: float = 10.0,
    direct: bool = False,
) -> ServiceAnswer:
    """What the service called `name` answers, whatever its status; `direct` asks no proxy.

    Raises:
        UnknownError: it has not answered.
    """
    handlers: list[Any] = [_NoRedirect(), *([urllib.request.ProxyHandler({})] if direct else [])]
    try:
        check_address(url)
        request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310 - checked
        with urllib.request.build_opener(*handlers).open(request, timeout=seconds) as response:
            return _read(name, response)
    except urllib.error.HTTPError as error:
        with error:
            return _read(name, error)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnknownError(f"{name} cannot be asked: {_why(error, seconds)}") from None


def _read(name: str, response: Any) -> ServiceAnswer:
    body = response.read(_LARGEST + 1)
    if len(body) > _LARGEST:
        raise UnknownError(f"{name} answers with more than {_LARGEST // 1024**2} MiB")
    return ServiceAnswer(response.status, body, response.headers)


def _why(error: Exception, seconds: float) -> str:
    reason = getattr(error, "reason", None)
    cause = reason if isinstance(reason, Exception) else error
    if isinstance(cause, TimeoutError):
        return f"no answer within {seconds:g} s"
    if isinstance(cause, http.client.IncompleteRead):
        return "the answer ends too early"
    words = getattr(cause, "strerror", None) or str(cause)
    return short(words) or type(cause).__name__


def short(text: str) -> str:
    """`text` in one line that is not too long for a sentence."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


@dataclass(frozen=True)
class AskedService:
    """A service that answers in JSON: its name for sentences, its address, the headers of each request, the limit."""

    name: str
    url: str
    headers: Mapping[str, str]
    seconds: float

    def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> tuple[Any, ServiceAnswer]:
        """The JSON that is answered to a GET, and the answer.

        Raises:
            UnknownError: there is no answer, or another one than 200 and JSON.
        """
        url = f"{self.url.rstrip('/')}{path}" + (f"?{urlencode(query)}" if query else "")
        answer = send(self.name, url, headers=self.headers, seconds=self.seconds)
        if answer.status != _OK:
            raise UnknownError(f"{self.name} answers with the status {answer.status}{self._says(answer)}")
        try:
            return json.loads(answer.body), answer
        except (ValueError, RecursionError):
            raise self.malformed() from None

    def malformed(self) -> UnknownError:
        """That its answer is none."""
        return UnknownError(f"{self.name} answers with something else than it should; is that its address?")

    @staticmethod
    def _says(answer: ServiceAnswer) -> str:
        """What an error in JSON says of itself."""
        try:
            told = json.loads(answer.body)
        except (ValueError, RecursionError):
            return ""
        words = told.get("error") or told.get("errors") if isinstance(told, dict) else told
        return f": {short(words if isinstance(words, str) else json.dumps(words))}" if words else ""


def answer(look: Callable[[Question, float], Mapping[str, Any]]) -> None:
    """Print what `look` finds for the question in the environment at this time, or why nothing is known: `problem`.

    `otherwise` says that it is known for sure how things stand, and that they are not as was asked. A question that is
    `STRICT` wants an error where nothing is known.
    """
    question = {name[len(PREFIX) :]: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    seconds = float(question.get("SECONDS", "10"))
    signal.signal(signal.SIGALRM, _too_late)
    signal.setitimer(signal.ITIMER_REAL, seconds)  # of all requests together; a socket's limit is for each byte
    try:
        found = {"problem": "", **look(question, time.time())}
    except TimeoutError:
        found = {"problem": f"there is no answer within {seconds:g} s"}
    except UnknownError as error:
        found = {"problem": str(error), **({"otherwise": True} if isinstance(error, OtherwiseError) else {})}
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        found = {"problem": f"the answer is not one of this service: {type(error).__name__}"}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    text = json.dumps(found)
    for secret in filter(None, map(os.environ.get, _SECRETS)):
        text = text.replace(json.dumps(secret)[1:-1], "***")
    sys.stdout.write(f"{text}\n")
    if "STRICT" in question and found["problem"] and "otherwise" not in found:
        sys.exit(json.loads(text)["problem"])


def _too_late(*_: object) -> None:
    raise TimeoutError
