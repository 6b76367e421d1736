"""A drill on hosts that stay: they are locked, and their undo is armed and owed before anything of them is broken."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from runner.channels.base import Page
from runner.core.deferred import dataclass
from runner.core.errors import ExecutionError, InvalidInputError, LockedError
from runner.core.events import Event, EventType
from runner.core.process_stat import started
from runner.core.wording import listed
from runner.lab.drills.armed_undo import Arming, HostUndo, arm, is_armed, tell
from runner.lab.drills.drill_phases import DrillPhases
from runner.lab.drills.plain_ansible import PlainAnsible
from runner.library.root import cache_directory
from runner.model.contacts import Contact
from runner.model.step import Step
from runner.orchestrator.run_environment import Installation
from runner.services.notifications import dispatcher_of
from runner.store.locks.holder import Holder
from runner.store.locks.host_locks import Locks
from runner.store.owed_undos import ArmedHost, OwedUndo

GRACE = timedelta(minutes=2)
"""How long after the budget of a drill its hosts take the fault back by themselves."""

STEP = "drill/undo"
"""What is owed to the host of a drill, among the steps of runs that are to be undone."""

DONE, GONE = "changed", "ok"
"""What Ansible says of a host that has done its undo now, and of one that had done it by itself."""


class DrillUndo(Protocol):
    """How what a drill has broken is taken back."""

    def prepare(self) -> str:
        """Do what must be done before anything is broken; what there is to be said of it.

        Raises:
            RunbookError: nothing may be broken.
        """
        ...

    @property
    def guard(self) -> Step | None:
        """What must hold on its hosts before each step that breaks something."""
        ...

    @property
    def stays(self) -> bool:
        """Whether what is not taken back stays, so that nothing else may be broken there."""
        ...

    def take_back(self) -> None:
        """Take back what was broken.

        Raises:
            ExecutionError: it is not taken back, as far as anybody knows.
        """
        ...


@dataclass(frozen=True, slots=True)
class PlayedUndo:
    """The undo of a drill on hosts that are thrown away: Ansible does it."""

    phases: DrillPhases

    def prepare(self) -> str:
        """Nothing is to be done."""
        return ""

    @property
    def guard(self) -> Step | None:
        """Nothing must."""
        return None

    @property
    def stays(self) -> bool:
        """It goes with its hosts."""
        return False

    def take_back(self) -> None:
        """Do it."""
        self.phases.play("undo")


@dataclass(frozen=True, slots=True)
class OwnUndo:
    """The undo that hosts do themselves, as the `arming` says: when they are told, and else after some time.

    What `saves` them is done first.
    """

    phases: DrillPhases
    arming: Arming
    installation: Installation
    saves: Sequence[Step] = ()

    def prepare(self) -> str:
        """Save the hosts, and arm the undo on every one; how, and when each does it by itself.

        Raises:
            ExecutionError: a host cannot be made ready.
            AuditError: it cannot be recorded.
        """
        self.phases.save(self.saves)
        undos, seconds = self.arming.undos, self.arming.after.total_seconds()
        for undo in undos:
            self._owe(undo)
        armed = arm(self.phases.ansible, self.arming, self.phases.variables)
        if lacking := [undo.host for undo in undos if undo.host not in armed]:
            raise ExecutionError(f"the undo is not armed on {listed(lacking)}", hint="nothing was broken")
        for undo in undos:
            self._owe(undo, broken=True, machine=armed[undo.host].machine)
        how = {host: by.how for host, by in armed.items()}
        data = {"how": how, "after": seconds, "runbook": self.phases.source.id}
        _note(self.installation, Event(EventType.DRILL_ARMED, self.arming.drill, data=data))
        words = listed([f"{host} ({each})" for host, each in how.items()])
        return f"{words} would take it back without us, after {seconds:g} s"

    @property
    def stays(self) -> bool:
        """It does, until its hosts take it back by themselves."""
        return True

    @property
    def guard(self) -> Step | None:
        """It is still armed: nothing is broken that nobody takes back any more."""
        undos = self.arming.undos
        return is_armed(self.arming.drill, [undo.host for undo in undos]) if undos else None

    def take_back(self) -> None:
        """Tell the hosts to do it; what of it can be looked at is looked at.

        Raises:
            ExecutionError: one has not done it, or before it was told.
        """
        owed = [each for each in self.installation.state.owed_undos.all() if each.run == self.arming.drill]
        if not owed:  # nothing was armed, and so nothing broken
            return
        done = pay(self.phases.ansible, owed, self.installation)
        if left := {host: why for host, why in done.items() if why not in {DONE, GONE}}:
            itself = (
                f"one that is not reached does so by itself {self.arming.after.total_seconds():g} s after it was armed"
            )
            raise ExecutionError(
                f"it is not taken back on {_each(left)}", hint=f"runbook drill stop tries again; {itself}"
            )
        self.phases.look_at("undo")
        if early := [each.host for each in owed if each.armed and each.armed.broken and done[each.host] == GONE]:
            raise ExecutionError(f"{listed(early)} had taken it back before it was told: the drill took too long")

    def _owe(self, undo: HostUndo, *, broken: bool = False, machine: str = "") -> None:
        now, actor = self.installation.clock(), self.installation.actor
        armed = ArmedHost(
            host=undo.host,
            user=undo.user,
            inventories=tuple(map(str, self.phases.ansible.inventories)),
            until=(now.wall + self.arming.after).isoformat(),
            pid=actor.pid,
            process_started=started(actor.pid) or 0,
            boot_id=now.boot_id,
            broken=broken,
            machine=machine,
        )
        owed = OwedUndo(undo.host, self.phases.source.id, STEP, self.arming.drill, now.wall.isoformat(), armed)
        self.installation.state.owed_undos.add(owed)


def pay(ansible: PlainAnsible, owed: Sequence[OwedUndo], installation: Installation) -> Mapping[str, str]:
    """Have the hosts take back what one drill has left there; `DONE`, `GONE` or what stands in the way, by the host."""
    found: dict[str, str] = {}
    for word, broken in (("disarm", False), ("now", True)):
        hosts = [each.armed for each in owed if each.armed and each.armed.broken is broken]
        found |= tell(ansible, owed[0].run, hosts, word) if hosts else {}
    for each in owed:
        if found.get(each.host) in {DONE, GONE}:
            by = "the host itself" if found[each.host] == GONE else "a command"
            _note(installation, Event(EventType.DRILL_UNDONE, each.run, host=each.host, data={"by": by}))
            installation.state.owed_undos.remove(each.host, each.runbook, each.step)
    return found


def check_nothing_owed(installation: Installation, hosts: Sequence[str]) -> None:
    """That no drill has left anything on `hosts`.

    Raises:
        InvalidInputError: one has.
    """
    owed = [each for each in installation.state.owed_undos.of(hosts) if each.armed]
    if owed:
        told = listed([f"{each.host} (of the drill {each.run} of {each.runbook})" for each in owed])
        raise InvalidInputError(f"what an earlier drill has broken is not taken back on {told}", hint=owed[0].paid_by)


@contextmanager
def held(
    installation: Installation, run: str, runbook: str, machines: Sequence[str], tell: Callable[[str], object] = str
) -> Iterator[None]:
    """While the block lasts nobody but the drill `run` works on the `machines`; whoever is to know is told around it.

    Raises:
        LockedError: somebody does.
    """
    actor, clock = installation.actor, installation.clock
    holder = Holder(run, runbook, actor.user, actor.host, actor.pid, clock(), tree=run, step="drill")
    locks = Locks(installation.state.path / "locks", clock=clock)
    with locks.take([f"host:{each}" for each in machines], holder):
        tell(f"a drill of {runbook} begins: what is broken now is broken on purpose")
        try:
            yield
        finally:
            left = [each.host for each in installation.state.owed_undos.all() if each.run == run]
            over = f"not taken back yet on {listed(left)}" if left else "taken back"
            tell(f"the drill of {runbook} is over: what was broken is {over}")


@contextmanager
def alone(installation: Installation, runbooks: Sequence[str], machines: Iterable[str]) -> Iterator[None]:
    """While the block lasts no other command of this user drills on the `machines`, whatever its state directory is.

    Raises:
        LockedError: one does.
    """
    actor, clock = installation.actor, installation.clock
    whose = str(installation.state.path)
    holder = Holder("", listed(runbooks), actor.user, actor.host, actor.pid, clock(), tree=whose)
    locks = Locks(cache_directory(installation.environ) / "drilled", clock=clock)
    try:
        taken = locks.take([f"host:{each}" for each in machines], holder)
    except LockedError as error:
        raise LockedError(error.message, hint="nothing was broken; begin again when that has ended") from None
    with taken:
        yield


def announce(
    installation: Installation, contacts: Mapping[str, Contact], names: Sequence[str], run: str, text: str
) -> None:
    """Tell `names` of the drill `run`, each by their own channels; one who cannot be told is tried again later."""
    if not names:
        return
    page = Page(
        action="announce",
        dedup_key=run,
        summary=text,
        severity="info",
        source=installation.actor.host,
        component="drill",
        group="drill",
        details={"run": run, "by": installation.actor.user},
        timestamp=installation.clock().wall,
    )
    with dispatcher_of(installation, []) as dispatcher:
        dispatcher.send(dispatcher.request([(page, names)], run, contacts))


def _note(installation: Installation, event: Event) -> None:
    with installation.open_log() as log:
        log.append(event)


def _each(why: Mapping[str, str]) -> str:
    return "; ".join(f"{host}: {text}" for host, text in why.items())
