"""Every kind of step, verification, channel and store of secrets by its key: our own, and those of other packages."""

from __future__ import annotations

from collections.abc import Callable, Collection, ItemsView, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from runner import registered
from runner.channels.base import Channel
from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.core.secrets import GROUP as SECRETS
from runner.kinds.base import Kind
from runner.kinds.faults import KNOWN, Fault, fault_key
from runner.kinds.foreign_code import guarded_class, guarded_store, origin, package, removal
from runner.kinds.secrets.base import SecretStore
from runner.kinds.steps.base import KEYS_OF_STEPS, StepKind
from runner.kinds.steps.command_step import CommandStep
from runner.kinds.steps.content_steps import RoleStep, TasksStep
from runner.kinds.steps.delivery.announce_step import AnnounceStep
from runner.kinds.steps.delivery.git_step import GitStep
from runner.kinds.steps.delivery.pipeline_step import PipelineStep
from runner.kinds.steps.http_step import HttpStep
from runner.kinds.steps.look_step import LookStep
from runner.kinds.steps.manual_step import ManualStep
from runner.kinds.steps.module_step import ModuleStep
from runner.kinds.steps.run_step import RunStep
from runner.kinds.steps.script_step import ScriptStep
from runner.kinds.steps.shell_step import ShellStep
from runner.kinds.steps.sql_step import SqlStep
from runner.kinds.steps.wait_step import WaitStep
from runner.kinds.verifications.base import KEYS_OF_VERIFICATIONS, VerificationKind
from runner.kinds.verifications.baseline import Baseline
from runner.kinds.verifications.command_probe import CommandProbe
from runner.kinds.verifications.confirm import Confirm
from runner.kinds.verifications.exit_code import Exit
from runner.kinds.verifications.hold_for import HoldFor
from runner.kinds.verifications.host.certificate_check import Certificate
from runner.kinds.verifications.host.disk_check import Disk
from runner.kinds.verifications.host.file_check import FileCheck
from runner.kinds.verifications.host.port_check import PortCheck
from runner.kinds.verifications.host.process_check import Process
from runner.kinds.verifications.host.service_check import Service
from runner.kinds.verifications.http_probe import HttpProbe
from runner.kinds.verifications.json_output import Json
from runner.kinds.verifications.matches import Matches
from runner.kinds.verifications.monitoring.alert_probe import AlertFiring, AlertResolved
from runner.kinds.verifications.monitoring.metric_probe import Metric
from runner.kinds.verifications.monitoring.rds_probe import Rds
from runner.kinds.verifications.oncall_probe import OnCall
from runner.kinds.verifications.pipeline_probe import PipelineProbe
from runner.kinds.verifications.sql_probe import SqlProbe
from runner.kinds.verifications.that import That
from runner.kinds.verifications.value_trend import Trend

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_STEPS: tuple[type[StepKind], ...] = (
    AnnounceStep,
    CommandStep,
    GitStep,
    HttpStep,
    LookStep,
    ManualStep,
    ModuleStep,
    PipelineStep,
    RoleStep,
    RunStep,
    ScriptStep,
    ShellStep,
    SqlStep,
    TasksStep,
    WaitStep,
)
_VERIFICATIONS: tuple[type[VerificationKind], ...] = (
    *(Baseline, CommandProbe, Confirm, Exit, HoldFor, HttpProbe, Json, Matches, OnCall),
    *(PipelineProbe, SqlProbe, That, Trend),
    *(Certificate, Disk, FileCheck, PortCheck, Process, Service),
    *(AlertFiring, AlertResolved, Metric, Rds),
)


_Plugin = TypeVar("_Plugin")


@dataclass(frozen=True, slots=True)
class PluginProblem:
    """Why something that a package registers cannot be used, and what takes the problem away."""

    names: frozenset[str]
    message: str
    hint: str


class Group(Mapping[str, _Plugin]):
    """What is called by a key: our own, and what other packages register in the entry points of the group.

    Our own is there whatever others register. What cannot be used, or has a key that is taken, is left out and is one
    of the `problems`, so that it stops nobody who does not need it.
    """

    def __init__(
        self,
        name: str,
        own: Mapping[str, _Plugin],
        key: Callable[[Any], str],
        guard: Callable[[Any, EntryPoint], _Plugin],
    ) -> None:
        """`key` says how a thing is called, and raises TypeError for what does not belong to the group.

        `guard` gives what is used instead of a thing of another package, so that what it raises names the package.
        """
        table: dict[str, _Plugin] = dict(own)
        owners = dict.fromkeys(own, "runbookctl")
        self.own = frozenset(own)
        problems: list[PluginProblem] = []
        for entry in sorted(registered(name)):
            try:
                plugin = entry.load()
                called = key(plugin)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - the code of others may fail in any way
                problems.append(_problem(entry, entry.name, f"{type(error).__name__}: {error}"))
                continue
            if called in owners:
                problems.append(_problem(entry, called, f"{called!r} is a key of {owners[called]}"))
                if called not in own:
                    table.pop(called, None)  # nobody guesses which of the two is meant
                continue
            table[called], owners[called] = guard(plugin, entry), package(entry)
        self.problems = tuple(problems)
        self._table = dict(sorted(table.items()))

    def __getitem__(self, key: str) -> _Plugin:
        return self._table[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    # What `Mapping` makes of the three above is much slower, and each part of a runbook is compared with each key.
    def __contains__(self, key: object) -> bool:
        return key in self._table

    def items(self) -> ItemsView[str, _Plugin]:
        """Each key with its plug-in."""
        return self._table.items()


def _problem(entry: EntryPoint, key: str, reason: str) -> PluginProblem:
    message = f"{origin(entry)}, which cannot be used: {reason}"
    return PluginProblem(frozenset({entry.name, key}), message, removal(entry))


def _key(kind: Any, base: type[Any]) -> str:
    is_kind = isinstance(kind, type) and issubclass(kind, base)
    if not is_kind or not isinstance(getattr(kind, "key", None), str):
        raise TypeError(f"it is no {base.__name__} with a key")
    return str(kind.key)


def _classes(name: str, base: type[Any], own: tuple[type[Any], ...], taken: Collection[str] = ()) -> Group[Any]:
    """The group of the subclasses of `base`, none of which has a field called like one of the keys that are `taken`."""

    def key(kind: Any) -> str:
        called = _key(kind, base)
        fields = keys_of(kind)
        if issubclass(kind, Kind) and kind.key not in fields:
            raise TypeError(f"it has no field {kind.key!r}, which would hold what is written behind that key")
        if both := sorted(fields & set(taken)):
            raise TypeError(f"it has the key {both[0]!r}, which means something else there already")
        return called

    return Group(name, {kind.key: kind for kind in own}, key, guarded_class)


@cache
def steps() -> Group[type[StepKind]]:
    """Every kind of step, by the key a step is written with."""
    return _classes("runbookctl.steps", StepKind, _STEPS, KEYS_OF_STEPS)


@cache
def verifications() -> Group[type[VerificationKind]]:
    """Every kind of verification, by its key."""
    return _classes("runbookctl.verifications", VerificationKind, _VERIFICATIONS, KEYS_OF_VERIFICATIONS)


@cache
def channels() -> Group[type[Channel]]:
    """Every kind of channel, by its key."""
    # Imported here, with the clients for HTTP and mail that they need: most commands neither call nor read contacts.
    from runner.channels.email import Email  # noqa: PLC0415
    from runner.channels.github import GitHub  # noqa: PLC0415
    from runner.channels.jira import Jira  # noqa: PLC0415
    from runner.channels.local_command import CommandChannel  # noqa: PLC0415
    from runner.channels.pagerduty import PagerDuty  # noqa: PLC0415
    from runner.channels.slack import Slack  # noqa: PLC0415
    from runner.channels.webhook import Webhook  # noqa: PLC0415

    own = (CommandChannel, Email, GitHub, Jira, PagerDuty, Slack, Webhook)
    return _classes("runbookctl.channels", Channel, own)


@cache
def secrets() -> Group[type[SecretStore]]:
    """Every kind of store of secrets, by the word that references to it begin with."""
    # Imported here: most commands look up no secret.
    from runner.kinds.secrets.ansible_vault import AnsibleVault, OldAnsibleVault  # noqa: PLC0415
    from runner.kinds.secrets.aws_stores import ParameterStore, SecretsManager  # noqa: PLC0415
    from runner.kinds.secrets.local_places import EnvironmentVariable, ProgramOutput, SecretFile  # noqa: PLC0415
    from runner.kinds.secrets.password_managers import Bitwarden, LastPass, OnePassword  # noqa: PLC0415
    from runner.kinds.secrets.vault_kv import VaultKv  # noqa: PLC0415

    own: tuple[type[SecretStore], ...] = (
        *(AnsibleVault, Bitwarden, EnvironmentVariable, LastPass, OldAnsibleVault, OnePassword),
        *(ParameterStore, ProgramOutput, SecretFile, SecretsManager, VaultKv),
    )
    table = {store.key: store for store in own}
    return Group(SECRETS, table, lambda store: _key(store, SecretStore), guarded_store)


@cache
def faults() -> Group[Fault]:
    """Every way to break a host that a drill can begin with, by its key."""
    return Group("runbookctl.faults", {each.key: each for each in KNOWN}, fault_key, lambda fault, _entry: fault)


def problems() -> tuple[PluginProblem, ...]:
    """What is wrong with the kinds that other packages register."""
    kinds = (*steps().problems, *verifications().problems, *channels().problems, *secrets().problems)
    return (*kinds, *faults().problems)


def why_unknown(key: str) -> str:
    """Why the `key`, which no kind has, is unknown though a package registers it; empty where none does."""
    return next((f"{each.message}; {each.hint}" for each in problems() if key in each.names), "")


def check(problems: Iterable[PluginProblem]) -> None:
    """That there are no `problems`.

    Raises:
        InvalidInputError: there are; every one is in it.
    """
    if lines := {each.message: each.hint for each in problems}:
        raise InvalidInputError("\n".join(lines), hint="; ".join(dict.fromkeys(lines.values())))


@cache
def keys_of(kind: type[Kind]) -> frozenset[str]:
    """The keys that belong to `kind`, as they are written."""
    return frozenset(field.alias or name for name, field in kind.model_fields.items())


def all_keys(kinds: Mapping[str, type[Kind]]) -> set[str]:
    """The keys that belong to any of `kinds`."""
    return set().union(*map(keys_of, kinds.values()))


def owners_of(key: str, kinds: Mapping[str, type[Kind]]) -> str:
    """With which of `kinds` `key` goes, in words; empty where it goes with none, or is one itself."""
    owners = [name for name, kind in kinds.items() if key in keys_of(kind) and key not in kinds]
    return f"it goes with {' or '.join(owners)}" if owners else ""
