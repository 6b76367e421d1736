"""The same runbook by plain `ansible-playbook` and by the product: what each step did on the hosts is compared."""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from differential import source_steps, variable_sources, witness
from differential.cases import is_accepted, write_library
from differential.engine_record import ENGINES
from differential.hosts import BECOMES, PASSWORD, PYTHON, Variables
from differential.random_runbook import HEAD
from differential.random_steps import Document
from runner.compiler.committed_playbook import write
from runner.kinds.ansible_yaml import dump
from runner.library.library import Library

_PATIENCE = 600.0
_RESCUED = re.compile(r"TASK \[RUN-900/([\w-]+)/rescue \|.*\n((?:ok: \[[^\]]+\].*\n(?:[ }].*\n)*)+)")
"""What is done where a step has failed, after all that it may try."""
_WELL = ("passed", "skipped", "not needed")
_OF_SSH = ("ansible_connection", "ansible_user", "ansible_remote_tmp")
_INPUTS = {"word": "{{ 7 * 7 }} of it", "number": 3}


class RefusedError(Exception):
    """The product does not begin a run that plain Ansible does."""


@dataclass(frozen=True)
class SourcesCase:
    """A runbook that shows what becomes of variables, and an inventory that has them from everywhere."""

    document: Document
    placed: Mapping[str, variable_sources.Texts]
    ways: Mapping[str, variable_sources.Texts]

    @classmethod
    def of(cls, seed: int, *, most: int = 12) -> SourcesCase:
        """That of the `seed`, with so many steps at `most`."""
        random = Random(seed)  # noqa: S311 - no secret
        with tempfile.TemporaryDirectory() as name:
            _library(Path(name), "")
            steps = source_steps.steps(random, most, lambda each: is_accepted(Path(name), _runbook(each)))
        document = _runbook(steps) | random.choice(({}, {}, {"serial": 2}, {"serial": 1}))
        placed = variable_sources.variables(random)
        if any("capture" in step for step in steps):  # a captured value that a vault keeps is not remembered
            placed = {place: texts for place, texts in placed.items() if "vault" not in place}
        case = cls(document, placed, source_steps.ways(random))
        in_turn = "serial" in document or any("on" in step for step in steps)
        return case.without_hosts_of_play() if in_turn else case

    def without_hosts_of_play(self) -> SourcesCase:
        """The same where each batch, or each host in its turn, is a play of its own to the product."""
        both = json.dumps([self.document, self.placed, self.ways])
        return SourcesCase(*json.loads(re.sub("ansible_play_(hosts_all|hosts|batch)", "group_names", both)))


def _runbook(steps: list[Document]) -> Document:
    return {
        **HEAD,
        "inputs": {
            "word": {"type": "string", "default": "w", "help": "W"},
            "number": {"type": "int", "default": 1, "help": "N"},
        },
        "steps": steps,
    }


def _library(directory: Path, text: str) -> None:
    write_library(directory, text)
    (directory / "runbooks/tasks/sources.yml").write_text(source_steps.TASKS, encoding="utf-8")


@dataclass(frozen=True)
class PlainPlace:
    """Where a case is done, in a directory of the same name each time: on `hosts` that are reached so."""

    scratch: Path
    hosts: Mapping[str, Variables]

    @property
    def directory(self) -> Path:
        """Where all of a case is."""
        return self.scratch / "run"

    def compare(self, case: SourcesCase, engines: Sequence[str] = ENGINES) -> list[str]:
        """How what the product has done differs from what plain Ansible has.

        Raises:
            RefusedError: the product does not begin it.
        """
        plain = self.done(case, "plain")
        differences = []
        for engine in engines:
            lines = difflib.unified_diff(plain, self.done(case, engine), "plain", engine, lineterm="", n=0)
            differences += [f"{engine}: {line}" for line in lines if not line.startswith(("---", "+++", "@@"))]
        return differences

    def done(self, case: SourcesCase, way: str) -> list[str]:
        """What was done on the hosts that way, and which steps have failed there."""
        self.directory.mkdir()
        self.directory.chmod(0o755)
        try:
            self._furnish(case)
            failed = self._plain() if way == "plain" else self._product(way)
            lines = [f"{host}: {step} has failed" for host, step in sorted(set(failed))]
            return [*lines, *witness.witnessed(self.directory / "place")]
        finally:
            if keep := os.environ.get("EQUIVALENCE_KEEPS"):
                shutil.copytree(self.directory, Path(keep, way), ignore=shutil.ignore_patterns("cp"))
            shutil.rmtree(self.directory)

    def _furnish(self, case: SourcesCase) -> None:
        _library(self.directory, dump(case.document))
        write(Library(self.directory), Library(self.directory).source("RUN-900"))
        places = self.directory / "place"
        witness.furnish(places, self.hosts, PYTHON)
        for name, variables in self.hosts.items():
            # A module moves there where its user may not be where the playbook is, as in the product's own directory.
            (places / name / "tmp").mkdir()
            (places / name / "tmp").chmod(0o1777)
            python = variables["ansible_python_interpreter"]
            programs = {"python": f'#!/bin/sh\nexec {python} "$@"\n', "becomes": BECOMES, "note": "a note\n"}
            for program, text in programs.items():
                (places / name / program).write_text(text, encoding="utf-8")
                (places / name / program).chmod(0o755)
        for name, text in variable_sources.inventory(case.placed, self._reached(case)).items():
            path = self.directory / "inventory" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (self.directory / "password").write_text(PASSWORD, encoding="utf-8")
        (self.directory / "inputs.json").write_text(
            json.dumps({"word": {"__ansible_unsafe": _INPUTS["word"]}, "number": 3})
        )
        for name in ("home", "bin"):
            (self.directory / name).mkdir()
        (self.directory / "bin" / "sudo").write_text(BECOMES, encoding="utf-8")
        (self.directory / "bin" / "sudo").chmod(0o755)

    def _reached(self, case: SourcesCase) -> dict[str, variable_sources.Texts]:
        common = {"who": "daemon", "runbook_environment": "lab"}
        common |= {"ansible_become_method": "sudo", "ansible_become_exe": "'{{ here }}/becomes'"}
        reached = {}
        for name, variables in self.hosts.items():
            way = case.ways[name]
            if variables["ansible_connection"] == "ssh":
                way = {key: text for key, text in way.items() if key not in _OF_SSH}
            own = {key: json.dumps(value) for key, value in variables.items()}
            reached[name] = {**own, **common, **way, "here": json.dumps(str(self.directory / "place" / name))}
        return reached

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.pathsep.join(
                (str(Path(sys.executable).parent), str(self.directory / "bin"), "/usr/sbin:/usr/bin:/sbin:/bin")
            ),
            "HOME": str(self.directory / "home"),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_VAULT_PASSWORD_FILE": str(self.directory / "password"),
        }

    def _plain(self) -> Iterable[tuple[str, str]]:
        words = ["-i", self.directory / "inventory", "-e", f"@{self.directory / 'inputs.json'}", "--skip-tags", "gate"]
        program = Path(sys.executable).with_name("ansible-playbook")
        done = self._run([program, *words, self.directory / "playbooks" / "RUN-900.yml"], {})
        for step, hosts in _RESCUED.findall(done.stdout):
            yield from ((host, step) for host in re.findall(r"^ok: \[(\S+?)(?: -> .*)?\]", hosts, re.MULTILINE))

    def _product(self, engine: str) -> Iterable[tuple[str, str]]:
        words = [sys.executable, "-m", "runner", "--library", self.directory, "--state-dir", self.directory / "state"]
        given = [word for name, value in _INPUTS.items() for word in ("-e", f"{name}={value}")]
        run = ["run", "RUN-900", "-i", self.directory / "inventory", "--yes", "--json", *given]
        done = self._run([*words, *run], {"RUNBOOK_ENGINE": engine, "XDG_CACHE_HOME": str(self.directory / "cache")})
        log = self.directory / "state/audit/audit.jsonl"
        events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
        if not any(event["type"] == "runbook.step.intended" for event in events):
            raise RefusedError(done.stdout[-400:] + done.stderr)
        for event in events:
            if event["type"] == "runbook.step.finished" and event["data"]["runbook"]["outcome"] not in _WELL:
                yield event["data"]["host"]["name"], event["step"].partition("[")[0]

    def _run(self, words: list[str | Path], more: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            words,
            cwd=self.directory,
            env={**self._environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        (self.directory / "output").write_text(done.stdout + done.stderr, encoding="utf-8")
        return done
