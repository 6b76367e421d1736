"""What was reviewed is what runs: the committed playbook, and whether it is still what the runbook compiles to."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from runner.compiler.compiler import companions, compile_runbook
from runner.compiler.constructs.each_item import included_files
from runner.core.errors import InvalidInputError
from runner.core.ownership import trusted_files
from runner.kinds.ansible_yaml import Playbook
from runner.library.ansible_content import findings as content_findings
from runner.library.library import Library
from runner.library.runbook_source import Source
from runner.model.yaml.finding import InvalidFileError


def compiled(source: Source) -> str:
    """The text of the playbook that `source` compiles to now, which names each file that it needs by its hash.

    Raises:
        InvalidInputError: a file that a step names cannot be used.
    """
    return _compiled(source).render()


def compiled_beside(source: Source) -> dict[str, str]:
    """The texts of the files that this playbook includes or starts, by how it names them.

    Raises:
        InvalidInputError: a file that a step names cannot be used.
    """
    if not any(step.each for step in source.runbook.every_step):
        return companions(source.runbook)
    return dict(_compiled(source).beside)


def _compiled(source: Source) -> Playbook:
    if faults := source.side_files.faults:
        raise InvalidInputError(f"{source.path}: {'; '.join(faults.values())}")
    if unsafe := content_findings(source.runbook, source.side_files):
        raise InvalidFileError(unsafe)
    try:
        playbook = compile_runbook(source.runbook, source.read_file, source.values)
    except ValueError as error:
        raise InvalidInputError(f"{source.path}: {error}") from error
    needs = [f"  {name}  SHA-256 {digest}" for name, digest in source.side_files.digests.items()]
    head = [*playbook.header, *(["Files that it needs besides:", *needs] if needs else [])]
    return replace(playbook, header=head)


def is_stale(library: Library, source: Source) -> bool:
    """Whether a committed file is missing, is left over, or differs from what `source` compiles to."""
    playbook = library.playbook(source)
    committed = _read(playbook)
    if committed is None or committed != compiled(source).encode():
        return True
    beside = compiled_beside(source)
    if left_over(library, source, beside):
        return True
    return any(_read(playbook.parent / name) != text.encode() for name, text in beside.items())


def left_over(library: Library, source: Source, beside: Collection[str]) -> list[Path]:
    """The files that an earlier form of the playbook included, and that are not among those `beside` it now."""
    directory = library.playbook(source).parent
    return [path for path in included_files(directory, source.id) if str(path.relative_to(directory)) not in beside]


def write(library: Library, source: Source) -> None:
    """Write the playbook that `source` compiles to, and the files that it includes; those that are left over go.

    Raises:
        InvalidInputError: a file that a step names cannot be used.
    """
    playbook, beside = library.playbook(source), compiled_beside(source)
    for path in left_over(library, source, beside):
        path.unlink()
    for name, text in {**beside, playbook.name: compiled(source)}.items():
        path = playbook.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def reviewed(library: Library, source: Source) -> bytes:
    """The committed playbook of `source`, as it is; what it includes is reviewed as well.

    Raises:
        InvalidInputError: it is missing, or the runbook has changed since, or somebody edited it; or others can change
            one of them, or whom the runbook calls; or there are variables beside it.
    """
    playbook = library.playbook(source)
    trusted_files.check([*source.files, source.path.with_name("contacts.yml")])
    _check(playbook, compiled(source), source)
    _check_variables(playbook.parent)
    reviewed_beside(library, source)
    return playbook.read_bytes()


def reviewed_beside(library: Library, source: Source) -> dict[str, bytes]:
    """The committed files that the playbook of `source` includes, as they are, by how it names them.

    Raises:
        InvalidInputError: as `reviewed`.
    """
    beside = compiled_beside(source)
    for name, text in beside.items():
        _check(library.playbook(source).parent / name, text, source)
    return {name: text.encode() for name, text in beside.items()}


def _check_variables(directory: Path) -> None:
    for path in (directory / name for name in ("group_vars", "host_vars")):
        if path.is_dir():
            message = f"{path} is read by plain Ansible and not by a run, which has its variables from the inventory"
            raise InvalidInputError(message, hint=f"move it beside the hosts: INVENTORY/{path.name}")


def _check(path: Path, text: str, source: Source) -> None:
    trusted_files.check([path])
    committed = _read(path)
    if committed is None:
        raise InvalidInputError(f"{path} is missing", hint=f"runbook compile {source.runbook.id}, then review it")
    if committed != text.encode():
        raise InvalidInputError(
            f"{path} is not what {source.path.name} compiles to",
            hint=f"runbook compile {source.runbook.id}, then review the difference",
        )


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
