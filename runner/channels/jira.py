"""Opens issues in Jira for the work that is left after a run."""

from base64 import b64encode
from typing import Annotated, Any, ClassVar
from urllib.parse import urlencode

from pydantic import Field, StringConstraints

from runner.channels import tickets
from runner.channels import transport as network
from runner.channels.address import Address, MailAddress
from runner.channels.base import Page, SecretReference
from runner.channels.exchange import HttpAnswer, WebRequest
from runner.channels.payload import to_json
from runner.core.fields import Several


class Jira(tickets.TicketChannel):
    """Issues in one project, in the cloud with a `user`, in a data center of the team's own without.

    Each has a label of its own by which it is found again. The search of Jira does not show a new issue at once (see
    `TicketOpening`), unless it is named by its id, which nobody knows where the answer was lost.

    Source: https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/
    """

    key: ClassVar[str] = "jira"

    url: Address = Field(description="The address of Jira, like https://team.atlassian.net")
    project: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{1,254}$")] = Field(
        description="The key of the project"
    )
    token: SecretReference = Field(description="Where the API token, or the personal access token, is")
    user: MailAddress | None = Field(
        default=None, description="The e-mail address that belongs to the token in the cloud"
    )
    type: str = Field(default="Task", min_length=1, description="The type of each issue")
    labels: Several[tickets.Label] = Field(default=(), description="Labels that each issue has besides")

    def _open(
        self, page: Page, token: str, opening: tickets.TicketOpening, attempt: network.SendAttempt
    ) -> network.Verdict:
        headers, mark = tickets.headers(self._authorization(token), Accept="application/json"), tickets.marker(page)
        jql = f'project = "{self.project}" AND labels = "{mark}"'
        search = f"{self.url.rstrip('/')}/rest/api/2/search{'/jql' if self.user else ''}"
        query = urlencode({"jql": jql, "fields": "key", "maxResults": "1"})
        fields = {
            "project": {"key": self.project},
            "issuetype": {"name": self.type},
            "summary": tickets.title(page),
            "description": tickets.text(page, "{noformat}", "{noformat}"),
            "labels": [mark, *self.labels],
        }
        return opening.once(
            attempt,
            WebRequest(f"{search}?{query}", None, headers, method="GET"),
            WebRequest(f"{self.url.rstrip('/')}/rest/api/2/issue", to_json({"fields": fields}), headers),
            ticket_of=self._ticket,
            judge=_judge,
            prefix=f"jira/{self.project}/",
        )

    def _ticket(self, data: Any) -> tuple[str, str]:
        """The key of the issue in an answer, and its address."""
        key = str(data["key"]) if "issues" not in data else "".join(str(each["key"]) for each in data["issues"][:1])
        return key, f"{self.url.rstrip('/')}/browse/{key}"

    def _authorization(self, token: str) -> str:
        return f"Basic {b64encode(f'{self.user}:{token}'.encode()).decode()}" if self.user else f"Bearer {token}"


def _judge(answer: HttpAnswer) -> network.Verdict:
    errors, fields = answer.content.get("errorMessages"), answer.content.get("errors")
    said = [*(errors if isinstance(errors, list) else []), *(fields.values() if isinstance(fields, dict) else [])]
    return tickets.refused_because(network.judge(answer), "; ".join(map(str, said)))
