# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports what Ansible does over a unix socket, and waits at each word until it is recorded."""

from __future__ import annotations

import functools
import gc
import json
import os
import runpy
import socket
import sys
import traceback

from ansible.inventory.manager import split_host_pattern
from ansible.plugins.callback import CallbackBase
from ansible.template import Templar
from ansible.utils.display import Display

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "callback_support"))

from runbook_operands import observe
from runbook_preview import preview

DOCUMENTATION = """
name: runbook_report
type: stdout
short_description: reports to runbookctl
description:
  - Tells the command that started the run what is about to happen and what did, over a socket only its user can reach.
  - Waits for the answer before it lets Ansible go on, and ends Ansible when the answer is not yes.
"""

ATTEMPT = "RUNBOOK_ATTEMPT"
# Beside the directory of callbacks, of which Ansible would take it for one.
_BESIDE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "inventory_secrets.py")
secret_values = runpy.run_path(_BESIDE)["secret_values"]

REFUSED = 97
BROKEN = 98
LONGEST = 131_072
WHOLE = 1_048_576
NEVER_THERE = (
    "ssh: connect to host",
    "ssh: Could not resolve hostname",
    "Host key verification failed",
    "Permission denied (",
)

LEFT_OUT = (
    "Skipping key (",
    "Skipping unexpected key (",
    "Skipping '",
    "Unable to parse ",
    "Failed to load inventory plugin",
    "skipping vars_files item",
)

# Several names for one thing: of those that are set, Ansible takes the last.
REACHED = {
    "connection": ("ansible_connection",),
    "address": ("ansible_host", "ansible_ssh_host"),
    "port": ("ansible_port", "ansible_ssh_port"),
    "user": ("ansible_user", "ansible_ssh_user"),
    "private_key_file": ("ansible_private_key_file", "ansible_ssh_private_key_file"),
    "ssh_executable": ("ansible_ssh_executable",),
    "ssh_args": ("ansible_ssh_args",),
    "ssh_common_args": ("ansible_ssh_common_args",),
    "ssh_extra_args": ("ansible_ssh_extra_args",),
    "host_key_checking": ("ansible_host_key_checking", "ansible_ssh_host_key_checking"),
    "timeout": ("ansible_timeout", "ansible_ssh_timeout"),
    "shell_type": ("ansible_shell_type",),
    "become": ("ansible_become",),
    "become_user": ("ansible_become_user", "ansible_sudo_user"),
    "become_method": ("ansible_become_method",),
    "become_exe": ("ansible_become_exe", "ansible_sudo_exe"),
    "become_flags": ("ansible_become_flags", "ansible_sudo_flags"),
    "policy": ("runbook_policy",),
    "protected": ("runbook_protected",),
}
# Of these no more is told than that they are there.
SECRET = {
    "password": ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"),
    "become_password": ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"),
    "inline_key": ("ansible_private_key", "ansible_ssh_private_key", "ansible_ssh_private_key_passphrase"),
}


def reporting(method):
    """A callback that ends Ansible when it fails: Ansible itself would warn and go on unreported."""

    @functools.wraps(method)
    def report(*args, **kwargs):
        try:
            method(*args, **kwargs)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(BROKEN)

    return report


class CallbackModule(CallbackBase):
    """The plugin is Ansible's stdout callback: Ansible does not start without one, so nothing runs unreported."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "runbook_report"

    def __init__(self):
        super().__init__()
        path = os.environ["RUNBOOK_REPORT_SOCKET"]
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._stream = self._socket.makefile("rwb")
        self._private = os.path.dirname(path)
        self._begun = os.path.join(self._private, "begun")
        self._run = os.environ[ATTEMPT]
        self._shown = {}
        self._play = None

    def _say(self, kind, **data):
        try:
            self._stream.write(json.dumps({"kind": kind, **data}, default=str).encode() + b"\n")
            self._stream.flush()
            answer, _, told = self._stream.readline().rstrip(b"\n").partition(b" ")
            if answer == b"yes":
                return json.loads(told or b"{}")
        except (OSError, ValueError) as error:
            sys.stderr.write(f"runbook_report: {error}\n")
        os._exit(REFUSED)

    def _note(self, sign, *words):
        """For the supervisor, which must know what may still go on when Ansible has ended."""
        with open(self._begun, "a") as file:
            file.write(f"{sign}{json.dumps(words)}\n")

    def _mark(self, task):
        """Give the worker, which is a fork of this process from now, the marker of the attempt that it makes; it.

        What an attempt has started and left on purpose outlives the run; nothing else that Ansible does leaves any.
        """
        step = _step_of(task, attempts=True)
        attempt = f"{self._run}/{step}/{os.urandom(6).hex()}" if step else ""
        os.environ[ATTEMPT] = attempt or self._run
        return attempt

    def _commands(self):
        """What the steps named in the environment would do on each host, as far as it can be said now."""
        wanted = set(filter(None, os.environ.get("RUNBOOK_RENDER", "").split(",")))
        found = {}
        for play in self._plays if wanted else ():
            actions = [task for task in _tasks(play.tasks) if _step_of(task) in wanted]
            for host in self._manager._inventory.get_hosts(play.hosts) if actions else ():
                for task in actions:
                    found.setdefault(_step_of(task), {})[host.name] = self._preview(play, host, task)
        return found

    def _preview(self, play, host, task):
        variables = self._manager.get_vars(play=play, host=host, task=task)
        return preview(task, variables, self._shown, play._loader)

    @reporting
    def v2_playbook_on_start(self, playbook):
        # What is loaded by now stays to the end. Each worker is a fork of this process: without this, each would search
        # all of it for garbage, and copy it by doing so.
        gc.freeze()
        plays = playbook.get_plays()
        manager = plays[0].get_variable_manager()
        self._plays, self._manager = plays, manager
        self._recall()
        inventory = manager._inventory
        matched = [[host.name for host in inventory.get_hosts(play.hosts)] for play in plays]
        hosts = {name: inventory.get_host(name) for names in matched for name in names}
        variables = {name: manager.get_vars(host=host) for name, host in hosts.items()}
        loader = plays[0]._loader
        answer = self._say(
            "hello",
            pid=os.getpid(),
            plays=[{"pattern": _pattern(play), "hosts": names} for play, names in zip(plays, matched, strict=True)],
            missing=_missing(inventory, plays),
            ambiguous=_ambiguous(inventory, plays),
            warnings=_warnings(),
            idle=_idle(inventory, hosts),
            environments={
                name: str(found.get("runbook_environment", "production")) for name, found in variables.items()
            },
            machines={name: _machine(name, found, loader) for name, found in variables.items()},
            reach={name: _reach(found, loader) for name, found in variables.items()},
            inventory_hosts=len(inventory.get_hosts(ignore_limits=True)),
            commands=self._commands(),
            secret_values=_secret_values(variables, loader),
            **({"names": _names(inventory)} if os.environ.get("RUNBOOK_NAMES") else {}),
        )
        self._take(answer.get("secrets", {}))

    def _recall(self):
        """Give each host what earlier parts kept of it, as if set_fact had done so just now.

        A loader of Ansible's would take some texts for numbers or templates, and an inventory would have its own
        variables before these.
        """
        with open(os.path.join(self._private, "captured.json")) as file:
            for host, values in json.load(file).items():
                self._manager.set_nonpersistent_facts(host, values)

    def _take(self, secrets):
        """Let each secret take the place of its reference, in memory only; commands go on being shown with the latter.

        Text that does not come from a playbook is no template to Ansible, whatever it holds.
        """
        variables = self._manager.extra_vars
        self._shown = {name: variables[name] for name in secrets}
        variables.update(secrets)

    @reporting
    def v2_playbook_on_play_start(self, play):
        self._play = play

    @reporting
    def v2_runner_on_start(self, host, task):
        attempt = self._mark(task)
        self._note("+", host.get_name(), task.get_name(), *filter(None, [attempt]))
        does = {"does": self._preview(self._play, host, task)} if self._play and _step_of(task, attempts=True) else {}
        self._say("start", host=host.get_name(), task=task.get_name(), attempt=attempt, **does)

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
        self._say("end", commands=self._commands())

    def _report(self, kind, result, **data):
        host, task = result.host.get_name(), result.task.get_name()
        if observed := self._observed(kind, result):
            data["observed"] = observed
        self._say(kind, host=host, task=task, result=_public(result.result), **data)
        if not (kind == "retry" or _may_go_on(kind, result.result)):
            self._note("-", host, task)

    def _observed(self, kind, result):
        """The values in the conditions of a verification that does not hold: of each sample, oldest first.

        Secrets are shown by their references.
        """
        task, answer = result.task, result.result
        if answer.get("_ansible_no_log") or self._play is None:
            return []
        if kind == "failed" and task.action == "ansible.builtin.assert":
            conditions, samples = [answer.get("assertion")] if "assertion" in answer else task.args["that"], [None]
        elif "holds" in task.vars and kind in ("retry", "ok"):
            conditions, samples = [_inner(task.vars["holds"])], _ends(answer.get("results", [answer]))
        else:
            return []
        variables = self._manager.get_vars(play=self._play, host=result.host, task=task) | self._shown
        seen = [variables | ({"probe": sample} if sample is not None else {}) for sample in samples]
        return [_bounded(observe(map(str, conditions), each, self._play._loader)) for each in seen]


def _inner(template):
    """The expression that a template is."""
    return template.strip().removeprefix("{{").removesuffix("}}")


def _ends(samples):
    """The first and the last of them."""
    return [*samples[:1], *samples[1:][-1:]]


def _may_go_on(kind, result):
    """Whether the task may still be at it on its host.

    The connection broke, the module ended without an answer, or Ansible has waited for as long as the task's `timeout`.
    """
    if kind == "unreachable":
        return not any(word in str(result.get("msg")) for word in NEVER_THERE)
    return "module_stdout" in result or "timedout" in result


def _tasks(items):
    """Every task in blocks within blocks."""
    for item in items:
        if hasattr(item, "block"):
            yield from _tasks([*item.block, *item.rescue])
        else:
            yield item


def _step_of(task, *, attempts=False):
    """The step whose action the task is, its last attempt if there are several; with `attempts`, any of them."""
    head = str(task.name).partition(" | ")[0].split("/")
    is_action = head[2:] == ["action"] or (attempts and head[2:3] == ["attempt"])
    return head[1] if is_action else None


def _rendered(templar, value):
    """The value with each template filled in for which everything is known; the others stay as they are written."""
    if isinstance(value, dict):
        return {str(key): _rendered(templar, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rendered(templar, item) for item in value]
    try:
        return templar.template(value) if isinstance(value, str) else value
    except Exception:
        return value


def _machine(name, variables, loader):
    """What tells the machine from every other, whatever an inventory calls it: where it is reached."""
    if variables.get("ansible_connection") == "local":
        return name
    where = [variables.get("ansible_host") or name, variables.get("ansible_port") or 22]
    host, port = _rendered(Templar(loader=loader, variables=variables), where)
    return f"{host}:{port}"


def _reach(variables, loader):
    """How the host is reached, and what its inventory says about runs against it; whatever is not set is left out."""
    templar = Templar(loader=loader, variables=variables)
    told = {}
    for key, names in REACHED.items():
        given = [variables[name] for name in names if variables.get(name) is not None]
        if given:
            told[key] = _rendered(templar, given[-1])
    for key, names in SECRET.items():
        if any(variables.get(name) is not None for name in names):
            told[key] = True
    if os.environ.get("ANSIBLE_BECOME_PASSWORD_FILE"):
        told["become_password"] = True
    return told


def _secret_values(variables, loader):
    """What of the inventory must be kept out of every record; the command takes it away before it looks further."""
    found = set()
    for known in variables.values():
        templar = Templar(loader=loader, variables=known)
        found.update(secret_values(known, functools.partial(_rendered, templar)))
    return sorted(found)


def _missing(inventory, plays):
    """Each name in the pattern of a play, or in --limit, by which the inventory has no host; Ansible only warns."""
    return _places((where, term) for where, term in _asked(inventory, plays) if _is_absent(inventory, term))


def _ambiguous(inventory, plays):
    """The same of each name that a group and a host have: Ansible takes the host alone, and only warns."""
    both = inventory.groups.keys() & inventory.hosts.keys()
    return _places((where, term) for where, term in _asked(inventory, plays) if _bare(term) in both)


def _asked(inventory, plays):
    """Each term of a pattern, and the pattern, or --limit, in which it stands."""
    asked = [(_pattern(play), term) for play in plays for term in split_host_pattern(play.hosts)]
    return asked + [("--limit", term) for term in inventory._subset or () if term]


def _places(asked):
    return [
        {"where": where, "name": name} for where, name in dict.fromkeys((where, _bare(term)) for where, term in asked)
    ]


def _warnings():
    """What Ansible has left out of an inventory, where it only warns."""
    said = [" ".join(text.removeprefix("[WARNING]: ").split()) for text in Display()._warns]
    return sorted(text for text in said if text.startswith(LEFT_OUT))


def _is_absent(inventory, term):
    """Whether the term names nothing; what is taken out may be empty, but has to be there."""
    name = _bare(term)
    whole = name.partition("[")[0]
    if term.startswith("!"):
        is_pattern = any(mark in whole for mark in "~*?")
        return not is_pattern and whole not in inventory.groups and whole not in inventory.hosts
    return not inventory._match_one_pattern(name)


def _idle(inventory, hosts):
    """Each name in --limit on whose hosts the runbook does nothing."""
    terms = [term for term in inventory._subset or () if term and term[0] not in "!&"]
    there = [(term, {host.name for host in inventory._match_one_pattern(term)}) for term in terms]
    return [term for term, names in there if names and not names & hosts.keys()]


def _bare(term):
    return term[1:] if term[:1] in "!&" else term


def _names(inventory):
    """Every host of the inventory, also those that a limit leaves out."""
    return [host.name for host in inventory.get_hosts(ignore_limits=True)]


def _pattern(play):
    return play.hosts if isinstance(play.hosts, str) else ":".join(play.hosts)


def _public(result):
    """The result without Ansible's internals and module arguments, each text bounded, all of it bounded."""
    kept = {
        # What is captured is used again: it is never shortened, only refused as a whole where it is too large.
        str(key): value if key == "ansible_facts" else _bounded(value)
        for key, value in result.items()
        if not str(key).startswith("_ansible") and key != "invocation"
    }
    for key in ("stdout_lines", "stderr_lines", "whole_lines", "diff"):
        kept.pop(key, None)
    if isinstance(kept.get("results"), list):
        kept["samples"] = len(kept["results"])
        kept["results"] = [_public(item) for item in kept["results"][-1:] if isinstance(item, dict)]
    if len(json.dumps(kept, default=str)) > WHOLE:
        kept = {key: _flat(kept[key]) for key in ("rc", "msg", "status", "changed", "stdout", "stderr") if key in kept}
        kept["truncated"] = True
    return kept


def _flat(value):
    return _bounded(json.dumps(value, default=str)) if isinstance(value, (dict, list)) else value


def _bounded(value):
    if isinstance(value, str) and len(value) > LONGEST + 64:
        half = LONGEST // 2
        return f"{value[:half]}\n[... {len(value) - LONGEST} characters left out ...]\n{value[-half:]}"
    if isinstance(value, dict):
        return {str(key): _bounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_bounded(item) for item in value]
    return value
