"""What a run is aimed at: the hosts that each pattern matches, and which class of environment they belong to."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from typing import Any, Self

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError, UnreachableError
from runner.core.wording import listed
from runner.executor.inventory.connection_facts import ConnectionFacts
from runner.model.run_policy import RunPolicy, each_policy, strictest
from runner.model.runbook import Runbook
from runner.model.step import Step
from runner.model.yaml.finding import did_you_mean

CLASSES = ("local", "lab", "staging", "production")
"""From the most harmless to the one that counts; an inventory that says nothing is production."""


@dataclass(frozen=True, slots=True)
class Target:
    """`hosts` maps each pattern to the names it matches; the other mappings have something for each name.

    `environments` its class, `machines` its address (two names with one address are one machine), `connection_facts`
    how it is reached and what its inventory says about it. `missing` has each name that the inventory lacks, and where
    it was asked for (a pattern of the runbook, or `--limit`); `ambiguous` the same of each name that both a group and a
    host have; `warnings` what Ansible leaves out of the inventory; `idle` what `--limit` names though the runbook does
    nothing there; `variables` the names that are set for any of the hosts, wherever Ansible has them from, and
    `vaulted` those of them, or of their parts, that ansible-vault has encrypted. `delegates`
    has the hosts of each name on which steps are done for other hosts, which has to be exactly one; `lacking` those
    that do not have a variable which was asked for. `called` has the hosts of each pattern of a runbook that
    does a step of this one, whatever `--limit` says, and `successors` those within it of one that may take over.
    """

    hosts: Mapping[str, tuple[str, ...]]
    environments: Mapping[str, str]
    machines: Mapping[str, str] = field(default_factory=dict)
    connection_facts: Mapping[str, ConnectionFacts] = field(default_factory=dict)
    missing: tuple[tuple[str, str], ...] = ()
    ambiguous: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    variables: frozenset[str] = frozenset()
    vaulted: frozenset[str] = frozenset()
    delegates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lacking: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    called: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    successors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Self:
        """The target that the callback plugin reports before the first play."""
        facts_of = message.get("connection_facts", {})
        hosts = {play["pattern"]: tuple(play["hosts"]) for play in message["plays"]}
        return cls(
            hosts,
            dict(message["environments"]),
            dict(message.get("machines", {})),
            connection_facts={name: ConnectionFacts.read(name, facts) for name, facts in facts_of.items()},
            missing=_places(message.get("missing", ())),
            ambiguous=_places(message.get("ambiguous", ())),
            warnings=tuple(message.get("warnings", ())),
            idle=tuple(message.get("idle", ())),
            variables=frozenset(message.get("variables", ())),
            vaulted=frozenset(message.get("secret_paths", ())),
            **{name: _names(message.get(name, {})) for name in ("delegates", "lacking", "called", "successors")},
        )

    @property
    def environment(self) -> str:
        """The class of the whole target: that of its most serious host."""
        return max(self.environments.values(), key=CLASSES.index, default="production")

    @property
    def names(self) -> tuple[str, ...]:
        """All hosts, each once, in the order in which the procedure meets them."""
        return tuple(dict.fromkeys(name for names in self.hosts.values() for name in names))

    @property
    def reached(self) -> tuple[str, ...]:
        """The same, and then each host on which only something is done for these."""
        return tuple(dict.fromkeys([*self.names, *(name for names in self.delegates.values() for name in names)]))

    @property
    def locks(self) -> tuple[str, ...]:
        """The names by which only one run at a time may have each of the machines."""
        return tuple(f"host:{self.machines.get(name, name)}" for name in self.reached)

    @property
    def policies(self) -> list[RunPolicy]:
        """What the inventory demands of a run against each of these hosts.

        Raises:
            InvalidInputError: it cannot be understood.
        """
        return each_policy({name: each.policy for name, each in self.connection_facts.items()})

    @property
    def policy(self) -> RunPolicy:
        """The same for a run against all of them.

        Raises:
            InvalidInputError: as `policies`.
        """
        return strictest(self.policies)

    @property
    def protected(self) -> Mapping[str, str]:
        """The hosts that are only changed when somebody names them, each with why it is so."""
        return {name: each.protected for name, each in self.connection_facts.items() if each.protected}

    def of(self, runbook: Runbook, step: Step) -> tuple[str, ...]:
        """The hosts on which `step` is done, or for which it is done elsewhere."""
        return self.hosts.get(runbook.hosts_of(step), ())

    def worked_on(self, runbook: Runbook, step: Step) -> tuple[str, ...]:
        """The hosts on which a machine works for `step`: those that it is done on, or the one that does it for them."""
        return self.delegates.get(step.on, (step.on,)) if step.on else self.of(runbook, step)

    def looks_for(self, step: Step) -> tuple[str, ...]:
        """The hosts from which `step` is verified for others."""
        return tuple(host for name in step.machines for host in self.delegates.get(name, (name,)))

    def delegate(self, step: Step) -> str:
        """The host that does `step` for its hosts; empty where each does it by itself."""
        return ", ".join(self.delegates.get(step.on, (step.on,))) if step.on else ""

    def check(self, runbook: Runbook, *, within: str = "", place_of: Callable[[str], str] = lambda _: "") -> None:
        """That no host that was asked for is missing, every step has one, and every host a known class.

        `within` are the hosts to which another runbook limits this one, for which --limit was meant, and `place_of`
        says where a step is written.

        Raises:
            UnreachableError: there are fewer hosts than somebody meant; Ansible would only warn, and go on without.
            InvalidInputError: a host's `runbook_environment` is not one of the classes.
        """
        self._check_names(runbook, () if within else self.idle)
        for name, hosts in self.delegates.items():
            if len(hosts) != 1:
                of = f"the group {name!r}, which has {len(hosts)} hosts: {', '.join(hosts)}" if hosts else repr(name)
                named = [step.id for step in runbook.every_step if name in {step.on, *step.machines}]
                steps = listed([f"{step!r}{f' ({place_of(step)})' if place_of(step) else ''}" for step in named])
                raise UnreachableError(
                    f"{runbook.id} does {steps} on {of}" + ("" if hosts else ", and the inventory has no host for it"),
                    hint="`on` and `from` are one machine: name a host, a group of exactly one, or localhost",
                )
        for step in runbook.procedure:
            if not self.of(runbook, step):
                pattern = runbook.hosts_of(step)
                if within:
                    raise _not_for(runbook, within, pattern)
                hint = "name the inventory with -i, and look at --limit and the inventory's groups"
                if "[" in pattern:
                    hint = f"{pattern} goes by the place in the group, whatever --limit names: name that host there too"
                written = f" ({place_of(step.id)})" if place_of(step.id) else ""
                message = (
                    f"the step {step.id!r}{written} has no host: the inventory and --limit leave none of {pattern!r}"
                )
                raise UnreachableError(message, hint=hint)
        for name, environment in self.environments.items():
            if environment not in CLASSES:
                raise InvalidInputError(
                    f"{name}: runbook_environment is {environment!r}",
                    hint=f"set it in the inventory's group_vars to one of {', '.join(CLASSES)}",
                )

    def check_others(self, runbook: Runbook, find: Callable[[str], Runbook | None]) -> None:
        """That what does a step of `runbook` is for all hosts of that step, and that what takes over has some.

        Raises:
            UnreachableError: one is not for them; nobody would find out before that step.
        """
        for step in runbook.procedure:
            self._check_called(step, self.of(runbook, step), find)
        for to in runbook.successors:
            successor = find(to.run)
            for pattern in map(successor.hosts_of, successor.procedure) if successor else ():
                if not self.successors.get(pattern):
                    hint = f"name a host of {pattern} in --limit as well: {to.run} works on it where a step fails"
                    message = (
                        f"{to.run} could not take over: the inventory and --limit leave none of its hosts ({pattern})"
                    )
                    raise UnreachableError(message, hint=hint)

    def _check_called(self, step: Step, hosts: Sequence[str], find: Callable[[str], Runbook | None]) -> None:
        called = find(step.runs.run) if step.runs else None
        if called is None:
            return
        there = [(each, self.called.get(called.hosts_of(each), ())) for each in called.procedure]
        if strangers := [host for host in hosts if not any(host in on for _, on in there)]:
            raise _not_for(
                called, listed(strangers), listed(list(dict.fromkeys(map(called.hosts_of, called.procedure))))
            )
        for each, on in there:
            own = [host for host in hosts if host in on]
            if not own:
                raise _not_for(called, listed(list(hosts)), called.hosts_of(each), f"the hosts of its step {each.id!r}")
            self._check_called(each, own, find)

    def check_variables(self, runbook: Runbook, needs: Mapping[str, Collection[str]]) -> None:
        """That each variable which a step `needs`, by its id, is set for all of its hosts.

        Raises:
            InvalidInputError: some are not; the message tells of all of them.
        """
        wrong: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for step in runbook.procedure:
            for name in sorted(needs.get(step.id, ())):
                if hosts := tuple(host for host in self.of(runbook, step) if host in self.lacking.get(name, ())):
                    wrong.setdefault((name, hosts), []).append(step.id)
        if wrong:
            told = [
                f"{name} is not set for {listed(hosts)}, and {listed(steps)} cannot do without"
                for (name, hosts), steps in wrong.items()
            ]
            raise InvalidInputError("\n".join(told), hint="set it in the group_vars or host_vars of the inventory")

    def _check_names(self, runbook: Runbook, idle: Sequence[str]) -> None:
        if self.warnings:
            raise UnreachableError(
                f"Ansible leaves out a part of the inventory: {'; '.join(self.warnings)}",
                hint="correct what it names: hosts or values that are meant would be missing",
            )
        if self.ambiguous:
            names = "; ".join(f"{name!r}, named by {_where(where, name, runbook)}" for where, name in self.ambiguous)
            raise UnreachableError(
                f"a group and a host have the same name in the inventory: {names}",
                hint="rename one of them: Ansible would take the host alone, without the group's other hosts",
            )
        if self.missing:
            names = "; ".join(f"{name!r}, named by {_where(where, name, runbook)}" for where, name in self.missing)
            raise UnreachableError(
                f"the inventory has no host for {names}",
                hint="check --limit and the groups of the inventory: each name needs a host, or nothing is run",
            )
        if idle:
            raise UnreachableError(
                f"--limit names {', '.join(idle)}, where {runbook.id} has no host to work on",
                hint=f"it works on {', '.join(self.names) or runbook.hosts}; name only hosts of these",
            )


def _not_for(runbook: Runbook, hosts: str, pattern: str, of: str = "") -> UnreachableError:
    return UnreachableError(
        f"{runbook.id} is not for {hosts} ({of or 'its hosts'} are {pattern})",
        hint=f"{runbook.id} works only on hosts of the step that it is done for, or that --limit names",
    )


def _names(found: Mapping[str, Sequence[str]]) -> Mapping[str, tuple[str, ...]]:
    return {name: tuple(hosts) for name, hosts in found.items()}


def _places(items: Sequence[Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((item["where"], item["name"]) for item in items)


def _where(where: str, name: str, runbook: Runbook) -> str:
    if where == "--limit":
        return where
    return runbook.id if where == name else f"{runbook.id} in {where!r}"


def check_hosts(runbook: Runbook, inputs: Mapping[str, Any], names: Collection[str]) -> None:
    """That each input which is a host is one of `names`, the hosts of the whole inventory.

    Raises:
        InvalidInputError: some are not; the message tells of all of them.
    """
    hosts = {name: inputs[name] for name, item in runbook.inputs.items() if item.type == "host" and name in inputs}
    wrong = {name: host for name, host in hosts.items() if host not in names}
    if wrong:
        messages = [f"-e {name}={host}: the inventory has no such host" for name, host in wrong.items()]
        near = [hint for host in wrong.values() if (hint := did_you_mean(host, names))]
        raise InvalidInputError("\n".join(messages), hint=" ".join(near) or "look at -i, and ansible-inventory --graph")
