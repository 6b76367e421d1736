"""What was reviewed is what runs: the committed playbook, and whether it is still what the runbook compiles to."""

from __future__ import annotations

from dataclasses import replace

from runner.compiler.compiler import compile_runbook
from runner.core import trusted_files
from runner.core.errors import InvalidInputError
from runner.library.library import Library, Source


def compiled(source: Source) -> str:
    """The text that `source` compiles to now, which tells of each file that it needs besides by its hash.

    Raises:
        InvalidInputError: a file that a step names cannot be used.
    """
    if faults := source.side_files.faults:
        raise InvalidInputError(f"{source.path}: {'; '.join(faults.values())}")
    try:
        playbook = compile_runbook(source.runbook, source.read_file, source.values)
    except ValueError as error:
        raise InvalidInputError(f"{source.path}: {error}") from error
    needs = [f"  {name}  SHA-256 {digest}" for name, digest in source.side_files.digests.items()]
    head = [*playbook.header, *(["Files that it needs besides:", *needs] if needs else [])]
    return replace(playbook, header=head).render()


def is_stale(library: Library, source: Source) -> bool:
    """Whether the committed playbook is missing or differs from what `source` compiles to."""
    return _committed(library, source) != compiled(source).encode()


def reviewed(library: Library, source: Source) -> bytes:
    """The committed playbook of `source`, as it is.

    Raises:
        InvalidInputError: it is missing, or the runbook has changed since, or somebody edited it; or others can change
            one of them, or whom the runbook calls.
    """
    path, committed = library.playbook(source), _committed(library, source)
    trusted_files.check([*source.files, source.path.with_name("contacts.yml"), path])
    if committed is None:
        raise InvalidInputError(f"{path} is missing", hint=f"runbook compile {source.runbook.id}, then review it")
    if committed != compiled(source).encode():
        raise InvalidInputError(
            f"{path} is not what {source.path.name} compiles to",
            hint=f"runbook compile {source.runbook.id}, then review the difference",
        )
    return committed


def _committed(library: Library, source: Source) -> bytes | None:
    path = library.playbook(source)
    return path.read_bytes() if path.is_file() else None
