# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports what Ansible does over a unix socket, and waits until that is recorded before a host does anything."""

from __future__ import annotations

import functools
import gc
import json
import os
import sys
import traceback

from ansible._internal._errors._error_utils import SourceContext
from ansible.errors import AnsibleError
from ansible.plugins.callback import CallbackBase

# First: a package of somebody's may have the name of one of these.
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "engine"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "callback_support"))

from runbook_commands import Commands
from runbook_environment import install as keep_environments_out_of_arguments
from runbook_hosts import connection_facts, keep_apart, lacking, machine, paths_to_hide, values_to_hide
from runbook_items import number_of
from runbook_lookups import looked_up
from runbook_names import (
    ambiguous_names,
    delegate_hosts,
    host_names,
    idle_limits,
    inventory_warnings,
    missing_names,
    pattern,
    pattern_hosts,
)
from runbook_operands import observe
from runbook_reports import Reports
from runbook_results import bounded, may_go_on, public
from runbook_tasks import ANSWERED_HERE, step_of, whence

DOCUMENTATION = """
name: runbook_report
type: stdout
short_description: reports to runbookctl
description:
  - Tells the command that started the run what is about to happen and what did, over a socket only its user can reach.
  - Waits for the answers before it lets Ansible do anything on a host, and ends Ansible when one of them is not yes.
"""

ATTEMPT = "RUNBOOK_ATTEMPT"
BROKEN = 98


def reporting(method):
    """A callback that ends Ansible when it fails: Ansible itself would warn and go on unreported."""

    @functools.wraps(method)
    def report(*args, **kwargs):
        try:
            method(*args, **kwargs)
        except BaseException as error:
            if isinstance(error, AnsibleError):
                sys.stderr.write(_told(error))
            else:
                traceback.print_exc()
            sys.stderr.flush()
            os._exit(BROKEN)

    return report


def _told(error):
    """What Ansible says of the `error`, with the place in a file that it, or what has caused it, names."""
    each, placed = error, []
    while each is not None:
        if context := SourceContext.from_value(getattr(each, "obj", None)):
            placed.append(f"{each} Origin: {context.origin}\n")
        each = each.__cause__ or each.__context__
    return "".join(dict.fromkeys(placed)) or f"{error}\n"


class CallbackModule(CallbackBase):
    """The plugin is Ansible's stdout callback: Ansible does not start without one, so nothing runs unreported."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "runbook_report"

    def __init__(self):
        super().__init__()
        keep_environments_out_of_arguments()
        path = os.environ["RUNBOOK_REPORT_SOCKET"]
        self._reports = Reports(path)
        self._workspace = os.path.dirname(path)
        self._project = os.path.join(self._workspace, "project")
        self._begun = os.path.join(self._workspace, "begun")
        self._run = os.environ[ATTEMPT]
        self._commands = Commands((), None)  # of a playbook that has not begun
        self._imported = {}
        self._play, self._engine = None, StockEngine()

    def _note(self, sign, *words):
        """For the supervisor, which must know what may still go on when Ansible has ended."""
        with open(self._begun, "a") as file:
            file.write(f"{sign}{json.dumps(words)}\n")

    def _mark(self, task, host):
        """Give the worker, which is a fork of this process from now, the marker of the attempt that it makes; it.

        What an attempt has started and left on purpose outlives the run; nothing else that Ansible does leaves any.
        """
        step = step_of(task, attempts=True)
        attempt = f"{self._run}/{step}/{os.urandom(6).hex()}" if step else ""
        if whence(task, self._project):  # all of them are one attempt at the step
            attempt = self._imported.setdefault((step, host), attempt)
        os.environ[ATTEMPT] = attempt or self._run
        return attempt

    def _of_steps(self, variable):
        """What the steps named in that variable of the environment would do on each host."""
        return self._commands.of(set(filter(None, os.environ.get(variable, "").split(","))))

    @reporting
    def v2_playbook_on_start(self, playbook):
        # What is loaded by now stays to the end. Each worker is a fork of this process: without this, each would search
        # all of it for garbage, and copy it by doing so.
        gc.freeze()
        plays = playbook.get_plays()
        manager, loader = plays[0].get_variable_manager(), plays[0]._loader
        self._manager, self._commands = manager, Commands(plays, manager)
        self._recall()
        inventory = manager._inventory
        matched = [[host.name for host in inventory.get_hosts(play.hosts)] for play in plays]
        hosts = {name: inventory.get_host(name) for names in matched for name in names}
        delegates = delegate_hosts(inventory, filter(None, os.environ.get("RUNBOOK_ON", "").split(",")))
        called = pattern_hosts(inventory, json.loads(os.environ.get("RUNBOOK_CALLED", "[]")), limited=False)
        successors = pattern_hosts(inventory, json.loads(os.environ.get("RUNBOOK_SUCCESSORS", "[]")), limited=True)
        idle = idle_limits(inventory, {*hosts}.union(*successors.values()))
        hosts |= {name: inventory.get_host(name) for names in delegates.values() for name in names}
        variables = {name: manager.get_vars(host=host) for name, host in hosts.items()}
        self._engine = _engine_for(variables, self._reports.settle)
        facts = {name: connection_facts(found, loader) for name, found in variables.items()}
        keep_apart(manager, facts, variables)
        answer = self._reports.ask(
            "inventory",
            pid=os.getpid(),
            plays=[{"pattern": pattern(play), "hosts": names} for play, names in zip(plays, matched, strict=True)],
            missing=missing_names(inventory, plays),
            ambiguous=ambiguous_names(inventory, plays, delegates),
            delegates=delegates,
            called=called,
            successors=successors,
            warnings=inventory_warnings(),
            idle=idle,
            environments={
                name: str(found.get("runbook_environment", "production"))
                for name, found in variables.items()
                if not hosts[name].implicit  # this machine itself, of which no inventory speaks
            },
            machines={name: machine(name, found, loader) for name, found in variables.items()},
            connection_facts=facts,
            variables=sorted(set().union(*variables.values())),
            lacking=lacking(variables, os.environ.get("RUNBOOK_NEEDS", "")),
            inventory_hosts=len({*host_names(inventory), *hosts}),
            looked_up=looked_up(playbook, variables),
            commands=self._of_steps("RUNBOOK_RENDER"),
            secret_values=values_to_hide(variables, loader),
            secret_paths=paths_to_hide(variables),
            **({"names": host_names(inventory)} if os.environ.get("RUNBOOK_NAMES") else {}),
        )
        self._take(answer.get("secrets", {}))

    def _recall(self):
        """Give each host what earlier parts kept of it, as if set_fact had done so just now.

        A loader of Ansible's would take some texts for numbers or templates, and an inventory would have its own
        variables before these.
        """
        with open(os.path.join(self._workspace, "captured.json")) as file:
            for host, values in json.load(file).items():
                self._manager.set_nonpersistent_facts(host, values)

    def _take(self, secrets):
        """Let each secret take the place of its reference, in memory only; commands go on being shown with the latter.

        Text that does not come from a playbook is no template to Ansible, whatever it holds.
        """
        variables = self._manager.extra_vars
        self._commands.shown = {name: variables[name] for name in secrets}
        variables.update(secrets)

    @reporting
    def v2_playbook_on_play_start(self, play):
        self._play = play

    @reporting
    def v2_runner_on_start(self, host, task):
        name = host.get_name()
        attempt = self._mark(task, name)
        on = self._commands.machine(self._play, host, task) or name
        self._note("+", on, name, task.get_name(), *filter(None, [attempt]))
        is_of_step = self._play and step_of(task, attempts=True)
        does = {"does": self._commands.of_task(self._play, host, task)} if is_of_step else {}
        does |= number_of(task) | ({"on": on} if on != name else {}) | whence(task, self._project)
        self._reports.tell("start", host=name, task=task.get_name(), attempt=attempt, **does)
        if not (task.action in ANSWERED_HERE or self._engine.settles):
            self._reports.settle()

    @reporting
    def v2_runner_on_ok(self, result):
        self._report("ok", result)

    @reporting
    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._report("failed", result, ignored=bool(ignore_errors))

    @reporting
    def v2_runner_on_unreachable(self, result):
        self._report("unreachable", result)

    @reporting
    def v2_runner_on_skipped(self, result):
        self._report("skipped", result)

    @reporting
    def v2_runner_retry(self, result):
        self._report("retry", result)

    @reporting
    def v2_playbook_on_stats(self, stats):
        self._reports.ask("end", commands=self._of_steps("RUNBOOK_RENDER_NEXT"), engine=self._engine.told())
        self._engine.leave()

    def _report(self, kind, result, **data):
        host, task = result.host.get_name(), result.task.get_name()
        if observed := self._observed(kind, result):
            data["observed"] = observed
        data |= number_of(result.task) | whence(result.task, self._project)
        self._reports.tell(kind, host=host, task=task, result=public(result.result), **data)
        if not (kind == "retry" or may_go_on(kind, result.result)):
            self._note("-", "", host, task)

    def _observed(self, kind, result):
        """The values in the conditions of a verification that does not hold: of each sample, oldest first.

        Secrets are shown by their references.
        """
        task, answer = result.task, result.result
        if answer.get("_ansible_no_log") or self._play is None:
            return []
        if kind == "failed" and task.action == "ansible.builtin.assert":
            conditions, samples = [answer.get("assertion")] if "assertion" in answer else task.args["that"], [None]
        elif "holds" in task.vars and (kind in ("retry", "ok", "failed") or task.action == "ansible.builtin.set_fact"):
            conditions, samples = [_inner(task.vars["holds"])], _ends(answer.get("results", [answer]))
        else:
            return []
        variables = self._manager.get_vars(play=self._play, host=result.host, task=task) | self._commands.shown
        variables_of = [variables | ({"probe": sample} if sample is not None else {}) for sample in samples]
        return [bounded(observe(map(str, conditions), each, self._play._loader)) for each in variables_of]


class StockEngine:
    """Ansible as it comes, and why it does the tasks where another engine was asked for."""

    settles = False

    def __init__(self, why=""):
        self._why = why

    def told(self):
        """Who has done the tasks, as it is recorded."""
        return {"name": "stock", **({"why": self._why} if self._why else {})}

    def leave(self):
        """Nothing of it goes on when Ansible ends."""


def _engine_for(variables, settle):
    """The fast engine where it is asked for, no host refuses it, and it knows this Ansible."""
    asked = os.environ.get("RUNBOOK_ENGINE", "stock")
    if asked != "fast":
        return StockEngine("" if asked == "stock" else f"there is no engine {asked}")
    try:
        from runbook_engine import Engine  # noqa: PLC0415 - only where it is asked for
        from runbook_stock_way import reason_against  # noqa: PLC0415
    except ImportError as error:
        return StockEngine(f"{error}")
    why = reason_against(variables)
    return StockEngine(why) if why else Engine.installed(settle)


def _inner(template):
    """The expression that a template is."""
    return template.strip().removeprefix("{{").removesuffix("}}")


def _ends(samples):
    """The first and the last of them."""
    return [*samples[:1], *samples[1:][-1:]]
