"""One case of a comparison: a runbook, hosts, and how the run goes, all from one seed; and what each engine leaves."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from differential.engine_record import ENGINES, EngineRecord
from differential.hosts import (
    HOSTS,
    PASSWORD,
    SECRETS,
    Variables,
    flavours,
    furnish,
    hosts_in,
    unreachable,
    write_inventory,
)
from differential.library_files import FILES
from differential.random_runbook import BLOCK, GONE, answers, runbook
from differential.random_steps import LARGE, Document
from differential.run_life import BLOCKED, LIVES, Commands
from differential.services import Asked
from runner.compiler.committed_playbook import write
from runner.core.errors import RunbookError
from runner.kinds.ansible_yaml import dump
from runner.library.library import Library

WEIGHTS = {"run": 14, "resumed": 3, "undone": 4}
"""How often a run goes so, in comparison with each other way."""


@dataclass(frozen=True)
class Case:
    """What both engines are to do: a runbook, its hosts, and how it goes."""

    seed: int
    document: Document
    life: str
    special: Mapping[str, Variables]

    @classmethod
    def of(cls, seed: int, *, life: str = "", steps: Sequence[Document] = ()) -> Case:
        """That of the `seed`; with `steps`, a runbook of these."""
        random = Random(seed)  # noqa: S311 - no secret
        names = list(LIVES)
        life = life or random.choices(names, [WEIGHTS.get(name, 1) for name in names])[0]
        begins = {"gone": [GONE]}.get(life, [BLOCK] if life in BLOCKED else [])
        with tempfile.TemporaryDirectory() as name:
            write_library(Path(name))
            document = runbook(random, begins=[*begins, *steps], accepts=lambda each: is_accepted(Path(name), each))
        if life == "deadline":
            document["deadline"] = "20s"
        special = {} if steps else flavours(random)
        return cls(seed, document, life, special)


@dataclass(frozen=True)
class Place:
    """Where cases are done: hosts, and what they ask for; `large` is how many bytes a step prints that prints much."""

    scratch: Path
    ssh: bool
    hosts: Mapping[str, Variables]
    service_port: int
    asked: Asked
    database: Variables = field(default_factory=dict)
    large: int = LARGE

    def compare(self, case: Case) -> list[str]:
        """How the records of both engines differ."""
        records = [self.record(case, engine) for engine in ENGINES]
        return records[0].differences(records[1])

    def record(self, case: Case, engine: str) -> EngineRecord:
        """What that engine leaves; all work in a place of the same name, as a path may stand in what a host answers."""
        directory = self.scratch / "run"
        directory.mkdir()
        self.asked.counts.clear()
        try:
            with ExitStack() as stack:
                hosts = self.hosts
                if case.life == "gone" and self.ssh:  # it does not come back for the next case
                    hosts = stack.enter_context(hosts_in(self.scratch / "gone", ssh=True))
                return self._record(case, engine, directory, hosts)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            shutil.rmtree(self.scratch / "gone", ignore_errors=True)

    def _record(self, case: Case, engine: str, directory: Path, hosts: Mapping[str, Variables]) -> EngineRecord:
        url = f"http://127.0.0.1:{self.service_port}"
        text = dump(case.document).replace("SERVICE_URL", url).replace("LARGE", str(self.large))
        write_library(directory, text)
        write(Library(directory), Library(directory).source("RUN-900"))
        hosts = {name: {**own, **case.special.get(name, {})} for name, own in hosts.items()}
        if case.life == "unreachable":
            hosts["c"] = unreachable(hosts["c"])
        furnish(directory / "place")
        write_inventory(directory / "inventory", hosts, directory / "place", {"service_url": url, **self.database})
        commands = self._commands(directory, engine)
        ended = LIVES[case.life](commands, answers(case.document))
        commands.settled()
        if not list((directory / "state" / "runs").glob("*")):
            raise RuntimeError(f"it was refused: {ended}")
        faults = [*_leaks(directory, [each.out + each.err for each in ended]), *map(str, commands.left().values())]
        return EngineRecord.of(ended, directory / "state", place=directory, faults=faults)

    def _commands(self, directory: Path, engine: str) -> Commands:
        (directory / "password").write_text(PASSWORD, encoding="utf-8")
        (directory / "tmp").mkdir()
        environment = {
            **os.environ,
            "RUNBOOK_ENGINE": engine,
            "TOKEN": SECRETS["token"],
            "ANSIBLE_VAULT_PASSWORD_FILE": str(directory / "password"),
            "XDG_CACHE_HOME": str(directory / "cache"),
        }
        words = [sys.executable, "-m", "runner", "--library", str(directory), "--state-dir", str(directory / "state")]
        return Commands(words, directory, environment, HOSTS)


def write_library(directory: Path, text: str = "") -> None:
    """All that a runbook may use, and the runbook."""
    for name, content in {**FILES, **({"runbooks/RUN-900.yml": text} if text else {})}.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(content, encoding="utf-8")
    library = Library(directory)
    for other in ("RUN-901", "RUN-902"):
        write(library, library.source(other))


def is_accepted(directory: Path, document: Document) -> bool:
    """Whether the product takes the runbook at all."""
    text = dump(document).replace("SERVICE_URL", "http://127.0.0.1:9").replace("LARGE", "1")
    (directory / "runbooks" / "RUN-900.yml").write_text(text, encoding="utf-8")
    try:
        library = Library(directory)
        write(library, library.source("RUN-900"))
    except RunbookError as error:
        if os.environ.get("EQUIVALENCE_TELLS"):
            print(error)
        return False
    return True


def _leaks(directory: Path, printed: Sequence[str]) -> list[str]:
    """Where a secret stands that may stand nowhere."""
    texts = [secret.encode() for secret in SECRETS.values()]
    files = [path for path in (directory / "state").rglob("*") if path.is_file()]
    found = [str(path.relative_to(directory)) for path in files if any(text in path.read_bytes() for text in texts)]
    return [f"a secret stands in {re.sub(r'[0-9]{8}T[0-9]{6}Z-....', '*', name)}" for name in found] + [
        "a secret was printed" for text in printed if any(secret.decode() in text for secret in texts)
    ]
