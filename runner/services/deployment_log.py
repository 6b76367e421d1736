"""The deployment log: a file of the library in which each deployment has a line, appended when it has ended."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError, RunbookError, explain
from runner.core.events import Instant
from runner.executor.inventory.project_file import NAME
from runner.executor.inventory.project_settings import Deployments, ProjectSettings
from runner.orchestrator.request import Result, RunRequest
from runner.orchestrator.run_environment import RunEnvironment
from runner.render.deployment_rows import heading, lines, names_in
from runner.render.history.run_history import RunHistory
from runner.services.run_list import run_histories, run_history
from runner.store import durable
from runner.store.state_directory import StateDirectory


@dataclass(frozen=True)
class DeploymentLog:
    """The file at `path`, compared with the record: the names of deployments that are `missing` in it, or `changed`."""

    path: Path
    missing: tuple[str, ...]
    changed: tuple[str, ...]


def logged(do: Callable[[RunRequest, RunEnvironment], Result], request: RunRequest, env: RunEnvironment) -> Result:
    """What `do` comes to, once each deployment that it has made has its line in the log of the library, if it has one.

    That it could not be written is a problem of the result, and changes nothing else.
    """
    result = do(request, env)
    try:
        settings = ProjectSettings.read(request.library.root / NAME).deployments if request.library else None
        if settings and request.library:
            path, now = request.library.root / settings.log, env.clock()
            runs = (run_history(env.state, each.run_id, now) for each in _with_children(result))
            _extend(path, _lines(settings, path, runs, env.state.runs_path))
    except (RunbookError, OSError) as error:
        message = f"the deployment is not in the deployment log: {explain(error).message}"
        return replace(result, problems=(*result.problems, message))
    return result


def compare(root: Path, state: StateDirectory, now: Instant, *, mend: bool) -> DeploymentLog:
    """The deployment log of the library in `root`, and with `mend` each line that was missing.

    Raises:
        InvalidInputError: the library has none.
        OSError: it cannot be read or written.
    """
    settings = ProjectSettings.read(root / NAME).deployments
    if settings is None:
        hint = f'write [deployments] and below it log = "deployments.md" in {NAME}, beside runbooks/'
        raise InvalidInputError("this library has no deployment log", hint=hint)
    path = root / settings.log
    expected = _lines(settings, path, run_histories(state.path, now) or (), state.runs_path)
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    there = names_in(text, expected)
    changed = [name for name in expected if name in there and expected[name].strip() not in text]
    if mend:
        _extend(path, expected)
    return DeploymentLog(path, tuple(name for name in expected if name not in there), tuple(changed))


def _with_children(result: Result) -> Iterable[Result]:
    yield result
    for child in result.children:
        yield from _with_children(child.result)


def _lines(settings: Deployments, path: Path, runs: Iterable[RunHistory], reports: Path) -> dict[str, str]:
    """The lines of `runs` for the log at `path`, by their names."""
    found: dict[str, str] = {}
    for run in runs:
        report = os.path.relpath((reports / run.run / "report.html").absolute(), path.parent.absolute())
        found |= lines(run, version=settings.version, report=report, csv=path.suffix == ".csv")
    return found


def _extend(path: Path, expected: Mapping[str, str]) -> None:
    """Append those of the `expected` lines that the log does not have; a new one begins with its heading."""
    if not expected:
        return

    def addition(text: str) -> str:
        there = names_in(text, expected)
        more = "".join(line for name, line in expected.items() if name not in there)
        return ("" if text or not more else heading(csv=path.suffix == ".csv")) + more

    durable.extend(path, addition)
