"""Opens issues at GitHub for the work that is left after a run."""

from dataclasses import replace
from typing import Annotated, Any, ClassVar
from urllib.parse import urlencode

from pydantic import Field, StringConstraints

from runner.channels import tickets
from runner.channels import transport as network
from runner.channels.address import Address
from runner.channels.base import Page, SecretReference
from runner.channels.exchange import HttpAnswer, WebRequest
from runner.channels.payload import to_json
from runner.core.fields import Several

ADDRESS = "https://api.github.com"

_FORBIDDEN = 403
_FENCE = "```"


class GitHub(tickets.TicketChannel):
    """Issues in one repository (https://docs.github.com/rest/issues/issues).

    Each has a label of its own by which it is found again, so that it is opened once. The token needs the right to read
    and write issues.
    """

    key: ClassVar[str] = "github"

    repository: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}$")] = Field(
        description="The repository: owner/name"
    )
    token: SecretReference = Field(description="Where a token is that may read and write its issues")
    labels: Several[tickets.Label] = Field(default=(), description="Labels that each issue has besides")
    url: Address = Field(default=ADDRESS, description="Where the REST API is")

    def _open(
        self, page: Page, token: str, opening: tickets.TicketOpening, attempt: network.SendAttempt
    ) -> network.Verdict:
        address, mark = f"{self.url}/repos/{self.repository}/issues", tickets.marker(page)
        headers = tickets.headers(f"Bearer {token}", Accept="application/vnd.github+json")
        query = urlencode({"labels": mark, "state": "all", "per_page": "1"})
        body = {
            "title": tickets.title(page),
            "body": tickets.text(page, f"{_FENCE}text", _FENCE),
            "labels": [mark, *self.labels],
        }
        return opening.once(
            attempt,
            WebRequest(f"{address}?{query}", None, headers, method="GET"),
            WebRequest(address, to_json(body), headers),
            ticket_of=_issue,
            judge=lambda answer: _judge(answer, asked_to_wait=attempt.wait > 0),
            prefix=f"github/{self.repository}/",
        )


def _issue(data: Any) -> tuple[str, str]:
    """The number of the issue in an answer, and its address."""
    issue = data[0] if isinstance(data, list) and data else data
    return (str(issue["number"]), str(issue.get("html_url", ""))) if issue != [] else ("", "")


def _judge(answer: HttpAnswer, *, asked_to_wait: bool) -> network.Verdict:
    """What an answer means; GitHub says 403 with Retry-After where it was asked too often."""
    verdict = network.judge(answer)
    if answer.status == _FORBIDDEN and asked_to_wait:
        return replace(verdict, status="again")
    return tickets.refused_because(verdict, answer.content.get("message"))
