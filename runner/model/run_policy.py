"""What an environment demands of every run against it, as its inventory writes it in `runbook_policy`."""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, Strict, ValidationError

from runner.core.errors import InvalidInputError
from runner.core.fields import AtLeastOne, Limit, Model, Several, Text
from runner.model.category import Category
from runner.model.contacts import Contact
from runner.model.names import Contact as Word
from runner.model.yaml.pydantic_errors import problems


class RequiredProof(Model):
    """The same compiled playbook must have passed on staging `within` this time."""

    within: Limit = timedelta(days=7)


class RunPolicy(Model):
    """What is demanded: a `proof`, at most `max_hosts` hosts in one run, and who may do what.

    With `four_eyes` nobody approves what they themselves started or resumed. `shared_account` says that several
    people share a login, so that `--as` tells them apart. `may_run` names who may run the runbooks of a category:
    logins, names of contacts.yml with `members`, or `unix:GROUP`; a category that it does not name is for everybody.
    `break_glass` names the contacts who hear of it whenever somebody goes past the guards.
    """

    proof: RequiredProof | None = None
    four_eyes: bool = False
    max_hosts: Annotated[int, Field(ge=1)] | None = None
    shared_account: bool = False
    break_glass: Several[Word] = ()
    may_run: dict[Annotated[Category, Strict(strict=False)], AtLeastOne[Text]] = {}


def strictest(policies: Iterable[RunPolicy]) -> RunPolicy:
    """The policy that is met only when each of `policies` is; who may run what is asked of each of them by itself."""
    every = list(policies)
    within = [policy.proof.within for policy in every if policy.proof]
    most = [policy.max_hosts for policy in every if policy.max_hosts]
    return RunPolicy(
        proof=RequiredProof(within=min(within)) if within else None,
        four_eyes=any(policy.four_eyes for policy in every),
        max_hosts=min(most, default=None),
        shared_account=bool(every) and all(policy.shared_account for policy in every),
        break_glass=tuple(dict.fromkeys(name for policy in every for name in policy.break_glass)),
    )


def each_policy(policies: Mapping[str, Any]) -> list[RunPolicy]:
    """The policy of each of these hosts, as its inventory has written it; None is one that demands nothing.

    Raises:
        InvalidInputError: one of them cannot be understood; what it was to forbid must not be guessed.
    """
    models = []
    for host, value in policies.items():
        try:
            models.append(RunPolicy.model_validate({} if value is None else value))
        except ValidationError as error:
            fault = next(problems(error, value, model=RunPolicy, most=1))
            where = ".".join(map(str, ("runbook_policy", *fault.place)))
            everything = f"correct it in the inventory; a policy has {', '.join(RunPolicy.model_fields)}"
            hint = f"{fault.hint} {everything}".strip()
            message = f"{host}: {where}: {fault.message}"
            raise InvalidInputError(message, hint=hint) from None
    return models


UNIX = "unix:"
"""What stands before the name of a group of the system."""

SCHEDULE = "schedule:"
"""What stands before the name of a schedule, which runs a runbook as if it were somebody."""


def people(names: Iterable[str], contacts: Mapping[str, Contact]) -> list[str]:
    """The logins, and the `unix:GROUP`s, that `names` of a policy stand for; a contact stands for its members."""
    return [login for name in names for login in (contacts[name].members if name in contacts else (name,))]


def is_one_of(login: str, groups: Collection[str], allowed: Collection[str]) -> bool:
    """Whether `login`, which is in these `groups` of the system, is among the `allowed` logins and `unix:GROUP`s."""
    return login in {name.lower() for name in allowed} or any(f"{UNIX}{group}" in allowed for group in groups)
