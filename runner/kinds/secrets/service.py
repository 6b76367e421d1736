"""How a service that keeps secrets is asked over the network: within seconds, and with errors that say what to do."""

from runner.channels.address import check_address
from runner.channels.exchange import HttpAnswer, WebRequest
from runner.channels.transport import ATTEMPT, SendAttempt, Verdict
from runner.core.secrets import SecretUnavailableError
from runner.kinds.secrets.base import PATIENCE


class SecretService:
    """A service at one address, which is asked a few things within `patience` seconds in all."""

    def __init__(self, name: str, address: str, patience: float = PATIENCE) -> None:
        """`name` is what messages call it.

        Raises:
            SecretUnavailableError: a secret may not come from that address.
        """
        try:
            self.address = check_address(address).rstrip("/")
        except ValueError:
            must = "must be like https://vault.example.com:8200, without a user; http:// is for this machine only"
            raise SecretUnavailableError(f"the address of {name} {must}") from None
        self.name, self._attempt = name, SendAttempt(patience, ATTEMPT)

    def ask(self, request: WebRequest) -> HttpAnswer:
        """The answer to `request`, whatever its status.

        Raises:
            SecretUnavailableError: there is none.
        """
        answers: list[HttpAnswer] = []

        def tell(attempt: SendAttempt) -> Verdict:
            answers.append(attempt.ask(request))
            return Verdict("accepted", "")

        verdict = self._attempt.verdict(tell)
        if not answers:
            raise SecretUnavailableError(f"{self.name} at {self.address}: {verdict.reason}")
        return answers[0]
