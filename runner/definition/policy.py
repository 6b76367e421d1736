"""What an environment demands of every run against it, as its inventory writes it in `runbook_policy`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, ValidationError

from runner.duration import Limit
from runner.errors import InvalidInputError
from runner.fields import Model


class Proof(Model):
    """The same compiled playbook must have passed on staging `within` this time."""

    within: Limit = timedelta(days=7)


class Policy(Model):
    """What is demanded: a `proof`, two people (`four_eyes`), and at most `max_hosts` hosts in one run."""

    proof: Proof | None = None
    four_eyes: bool = False
    max_hosts: Annotated[int, Field(ge=1)] | None = None


def strictest(policies: Iterable[Policy]) -> Policy:
    """The policy that is met only when each of `policies` is."""
    found = list(policies)
    within = [policy.proof.within for policy in found if policy.proof]
    most = [policy.max_hosts for policy in found if policy.max_hosts]
    return Policy(
        proof=Proof(within=min(within)) if within else None,
        four_eyes=any(policy.four_eyes for policy in found),
        max_hosts=min(most, default=None),
    )


def read_policies(written: Mapping[str, Any]) -> Policy:
    """The policy of a run against these hosts, each with what its inventory has written.

    Raises:
        InvalidInputError: one of them can not be understood; what it was to forbid must not be guessed.
    """
    found = []
    for host, value in written.items():
        try:
            found.append(Policy.model_validate(value))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, ("runbook_policy", *first["loc"])))
            message = f"{host}: {where}: {first['msg'].removeprefix('Value error, ')}"
            hint = f"mend it in the inventory; a policy has {', '.join(Policy.model_fields)}"
            raise InvalidInputError(message, hint=hint) from None
    return strictest(found)
