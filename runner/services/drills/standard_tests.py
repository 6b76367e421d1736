"""The standard tests: each drill of a library as it is written, without its runbook, and without its fault."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import product
from pathlib import Path

from runner.compiler.committed_playbook import reviewed
from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError, RunbookError
from runner.core.events import Event, EventType
from runner.core.wording import listed
from runner.lab.drills.armed_undo import Arming, with_restore
from runner.lab.drills.drill_backends import Backend
from runner.lab.drills.drill_question import way_to
from runner.lab.drills.host_identity import values_of
from runner.lab.drills.plain_ansible import Inventory, PlainAnsible
from runner.lab.lab_processes import LabCommand, run
from runner.lab.receiver import Receiver
from runner.library.library import Library
from runner.library.runbook_source import Source
from runner.model.contacts import Contact
from runner.model.procedure.drill import Drill
from runner.orchestrator.run_environment import Installation
from runner.render.drills.drill_result import DrillMoment, DrillResult, DrillSeries, DrillTest, DrillVerdict, as_data
from runner.services.drills.brakes import pulled
from runner.services.drills.drill_plan import DISPOSABLE, DrillPlan, broken_by, plan_drill
from runner.services.drills.drill_task import DrillConditions, DrillTask, Start
from runner.services.drills.hosts_that_stay import GRACE, OwnUndo, alone, announce, check_nothing_owed, held
from runner.services.drills.one_drill import do_drill
from runner.services.drills.production_overlap import check_is_not_production
from runner.services.drills.recorded_calls import Switchboard
from runner.services.drills.trainee import LONGEST, Trainee, TrainingSession
from runner.store.log.envelope import Record

_BACKENDS = ("lab", "embedded")
_COMPARED = 10
"""With how many earlier times a time to recover is compared."""


@dataclass(frozen=True, slots=True)
class DrillSession:
    """What the drills of one command share: where, with which files in `directory`, and who does and hears of them.

    With `pages_for_real` people are called. A `trainee` mends what is broken, and with
    `alert_only` finds the runbook first. `grace` after their budget hosts that stay take a fault back by themselves.
    `run_ansible` does the commands of Ansible that break and look.
    """

    library: Library
    backend: Backend
    directory: Path
    receiver: Receiver
    installation: Installation
    start: Start
    say: Callable[[DrillMoment], None]
    pages_for_real: bool = False
    grace: timedelta = GRACE
    trainee: Trainee | None = None
    alert_only: bool = False
    run_ansible: Callable[[LabCommand], None] = run

    def plans(self, sources: Sequence[Source]) -> tuple[DrillPlan, ...]:
        """What each drill of `sources` does to hosts that were there before; nothing where they are made for it.

        Raises:
            InvalidInputError: one of them may not be done there: the hosts are of production, whatever they are called.
        """
        if not self.backend.given:
            return ()
        return tuple(self._plan(task) for task in self._tasks(sources, (DrillTest.AS_WRITTEN,)))

    def alone(self, sources: Sequence[Source]) -> AbstractContextManager[None]:
        """While it lasts no other command drills on hosts that were there before: it would see the faults of this one.

        Raises:
            LockedError: one does.
        """
        if not self.backend.given:
            return nullcontext()
        inventory = self._ansible.inventory()
        machines = {inventory.machine(host) for host in inventory.variables}
        return alone(self.installation, [source.id for source in sources], machines)

    def _plan(self, task: DrillTask) -> DrillPlan:
        inputs, here = task.inputs(self.installation.secrets), self.installation
        compared = check_is_not_production(task, inputs, here.state, here.environ)
        plan = plan_drill(task, inputs, grace=self.grace, longest=self._longest)
        return replace(plan, machines=compared.machines, remarks=compared.remarks)

    def _still(self, plan: DrillPlan, task: DrillTask) -> DrillPlan:
        """`plan`, made anew where the inventory says something else by now.

        Raises:
            InvalidInputError: something else would be broken than what was shown, or it is of production by now.
        """
        if task.inventory == plan.inventory:
            return plan
        if (now := self._plan(task)).shown != plan.shown:
            hint = "the same command shows what would be broken now"
            raise InvalidInputError("the inventory has changed since the plan was shown", hint=hint)
        return now

    def do(
        self, sources: Sequence[Source], tests: Sequence[DrillTest], plans: Sequence[DrillPlan] = ()
    ) -> Iterator[DrillResult]:
        """Each of the `tests` of each drill of `sources`, on hosts that are as they were at first; all are recorded.

        What it does to hosts that were there before, `plans` say.

        Raises:
            InvalidInputError: one has no drill, or the hosts are of production.
        """
        by_name, is_used = {plan.name: plan for plan in plans}, False
        tasks = list(self._tasks(sources, tests))
        for task in tasks:
            if len(tasks) > 1 and not task.exception:
                self.say(DrillMoment(0.0, "test", f"{task.name}, {task.test}"))
            if is_used and not task.exception:
                self.backend.restore()
                task = replace(task, inventory=self._ansible.inventory()) if self.backend.moves else task  # noqa: PLW2901
            result = self._recorded(self._done(task, by_name.get(task.name)))
            is_used = (is_used and bool(task.exception)) or task.test is not DrillTest.NO_FAULT or not result.ok
            yield result

    def ways(self, sources: Sequence[Source]) -> Mapping[str, Sequence[str]]:
        """The words that lead to each host of `sources`, for somebody who works there by hand."""
        inventory = self._ansible.inventory()
        hosts = [host for source in sources for host in inventory.matching(source.runbook.hosts)]
        return {host: way_to(values_of(inventory, host)) for host in dict.fromkeys(hosts)}

    @property
    def _ansible(self) -> PlainAnsible:
        environ = self.installation.environ if self.backend.given else {}
        return PlainAnsible(self.backend.inventories, self.directory, environ, self.run_ansible)

    def _tasks(self, sources: Sequence[Source], tests: Sequence[DrillTest]) -> Iterator[DrillTask]:
        ansible = self._ansible
        inventory = ansible.inventory()
        for source in sources:
            drills = [self._as_done(source, each, inventory) for each in _drills(source, self.backend.name)]
            for drill, test in product(drills, tests):
                yield DrillTask(self.library, source, drill, test, ansible, inventory, self.backend.name)

    def _as_done(self, source: Source, drill: Drill, inventory: Inventory) -> Drill:
        """`drill` as it is done here: on hosts that stay, with what saves and restores them."""
        if drill.restores != "snapshot" or not self.backend.given or inventory.environment == DISPOSABLE:
            return drill
        hosts = list(broken_by(drill, source, inventory))
        for host in hosts:
            values_of(inventory, host).filled(["{{ drill_snapshot }}", "{{ drill_restore }}"])
        return with_restore(drill, hosts)

    def _done(self, task: DrillTask, plan: DrillPlan | None) -> DrillResult:
        contacts = self.library.contacts(task.source)
        switch = Switchboard.for_real if self.pages_for_real else Switchboard.recording
        conditions = DrillConditions(
            start=self.start,
            say=self.say,
            clock=self.installation.clock,
            new_run_id=self.installation.new_run_id,
            secrets=self.installation.secrets,
            switchboard=switch(contacts, self.receiver),
            stopped=lambda: lever.sentence if (lever := pulled(self.installation.state)) else "",
            stop_run=self._stop_run,
        )
        if self.trainee:
            longest = max(task.drill.budget, self._longest)
            clock = self.installation.clock
            training = TrainingSession(self.library, task.source, self.trainee, clock, self.alert_only, longest)
            conditions = replace(conditions, follow=training.follow)
        if plan and plan.asks:
            conditions = self._staying(conditions, self._still(plan, task), task, contacts)
        return do_drill(task, conditions)

    def _staying(
        self, conditions: DrillConditions, plan: DrillPlan, task: DrillTask, contacts: Mapping[str, Contact]
    ) -> DrillConditions:
        """`conditions` on hosts that stay: held, told of, and taken back as `plan` says.

        Raises:
            InvalidInputError: an earlier drill has left something there.
        """
        here, names = self.installation, listed(plan.hosts)
        check_nothing_owed(here, plan.hosts)
        machines = sorted({task.inventory.machine(host) for host in plan.hosts})
        compared = {host: plan.machines[host] for host in plan.hosts if host in plan.machines}
        arming = partial(Arming, title=plan.title, undos=plan.undos, after=plan.at_most, machines=compared)

        def tell(run: str, text: str) -> None:
            announce(here, contacts, plan.tells, run, f"{names}: {text}")

        return replace(
            conditions,
            undo=lambda phases, run: OwnUndo(phases, arming(run), here, plan.saves),
            held=lambda run: held(here, run, task.source.id, machines, partial(tell, run)),
        )

    def _stop_run(self, run: str, why: str) -> None:
        """End the run of that id, as `runbook cancel` does, where it has begun."""
        directory = self.installation.state.directory(run)
        if directory.exists and directory.live:
            directory.cancel(f"the drill: {why}")

    @property
    def _longest(self) -> timedelta:
        """How long a drill may last besides its budget: whoever is trained needs time."""
        return LONGEST if self.trainee else timedelta()

    def _recorded(self, result: DrillResult) -> DrillResult:
        """`result`, which the audit log has; of a training it has nothing, as it forgets nothing."""
        if result.training:
            return result
        with self.installation.open_log() as log:
            log.append(Event(EventType.DRILL_FINISHED, result.id, data=as_data(result)))
        return result


def rehearsed(source: Source) -> Source:
    """`source`, which has a drill.

    Raises:
        InvalidInputError: it has none.
    """
    if source.runbook.drill:
        return source
    hint = f"runbook drill init {source.id} writes a first one"
    raise InvalidInputError(f"{source.id} says nothing of how it is rehearsed", hint=hint)


def check_committed(library: Library, sources: Iterable[Source], tests: Collection[DrillTest]) -> None:
    """See that what the `tests` run is committed: a run that is refused must not leave anything broken before it.

    Raises:
        InvalidInputError: the playbook of one of `sources` is missing, or is not that of its text.
    """
    if {*tests} != {DrillTest.NO_REMEDIATION}:
        for source in sources:
            reviewed(library, source)


def _drills(source: Source, backend: str) -> list[Drill]:
    """The drills of `source` that can be done on `backend`.

    Raises:
        InvalidInputError: there are none.
    """
    rehearsed(source)
    others = {name for name in _BACKENDS if name != backend}
    able = [drill for drill in source.runbook.drill if backend not in _BACKENDS or backend in drill.backends]
    if not able:
        raise InvalidInputError(f"{source.id} is rehearsed in a {listed(sorted(others))} only", hint="see runbook lab")
    return able


def drillable(library: Library, backend: str) -> tuple[list[Source], dict[str, str]]:
    """The runbooks of `library` that can be drilled on `backend`, and why each of the others is left out."""
    found, left_out = list[Source](), dict[str, str]()
    for name in library.ids():
        try:
            source = library.usable(name)
            _drills(source, backend)
        except RunbookError as error:
            left_out[name] = error.message.removeprefix(f"{name} ")
        else:
            found.append(source)
    return found, left_out


def series(
    results: Sequence[DrillResult], left_out: Mapping[str, str], recorded: Sequence[Record], *, seconds: float
) -> DrillSeries:
    """The `results` of one command beside what is `recorded` of the same drills, those of the command included."""
    earlier: dict[str, list[float]] = {result.name: [] for result in results}
    for each in (record.data for record in recorded):
        if each["test"] == DrillTest.AS_WRITTEN and each["verdict"] == DrillVerdict.PASSED and each["name"] in earlier:
            earlier[each["name"]] += [each["recover"]] if each["recover"] is not None else []
    return DrillSeries(tuple(results), {name: times[-_COMPARED:] for name, times in earlier.items()}, left_out, seconds)
