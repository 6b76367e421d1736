"""Shows that both engines leave the same record: runbooks made at random are done by each, and all of it is compared.

    python benchmarks/equivalence.py [--seeds 200] [--first 1] [--ssh] [--life "killed all"] [--large 50000000]
    python benchmarks/equivalence.py --drills
    python benchmarks/equivalence.py --plain [--seeds 200] [--first 1] [--ssh]

Compared are the exit codes, the events of each host in their order with all that they say, the evidence, the captured
values and the outcomes, of runs that end, are resumed, undone, cancelled, interrupted, or killed in mid-step and then
gone on with; not times, durations, ids, and which engine it was. Nothing of a run may go on after it, and no secret may
stand anywhere. Of the drills of the library's own runbooks, with `--drills`, how everything ended.

With `--plain` what both engines have in common is looked at as well: runbooks about variables from everywhere are done
by plain `ansible-playbook` too, and all that each step was given on the hosts, and wrote there, is compared.

It ends with 1 where anything differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from differential import library_drills
from differential.cases import Case, Place
from differential.hosts import PYTHON, hosts_in
from differential.plain_ansible import PlainPlace, RefusedError, SourcesCase
from differential.run_life import LIVES
from differential.services import Asked, database, service


@contextmanager
def place(*, ssh: bool, large: int, python: str = PYTHON) -> Iterator[Place]:
    """Where cases are done: open to everybody, as some steps become another user; `python` does the modules."""
    with tempfile.TemporaryDirectory(prefix="equivalence-") as name:
        scratch, asked = Path(name), Asked()
        scratch.chmod(0o711)
        with (
            hosts_in(scratch / "hosts", ssh=ssh, python=python) as hosts,
            service(asked) as port,
            database(scratch / "database") as variables,
        ):
            yield Place(scratch, ssh, hosts, port, asked, variables, large)


@contextmanager
def plain_place(*, ssh: bool, python: str = PYTHON) -> Iterator[PlainPlace]:
    """The same for cases that plain Ansible does as well."""
    with tempfile.TemporaryDirectory(prefix="equivalence-") as name:
        Path(name).chmod(0o711)
        with hosts_in(Path(name, "hosts"), ssh=ssh, python=python) as hosts:
            yield PlainPlace(Path(name), hosts)


def words() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=200, help="how many runbooks (default: 200)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default: 1)")
    parser.add_argument("--ssh", action="store_true", help="on hosts of real sshd instead of this machine")
    parser.add_argument("--life", choices=list(LIVES), default="", help="how each run goes (default: as the seed says)")
    parser.add_argument("--drills", action="store_true", help="the drills of the library instead of runbooks at random")
    parser.add_argument(
        "--plain", action="store_true", help="what plain ansible-playbook does on the hosts, and they do"
    )
    parser.add_argument("--large", type=int, default=50_000_000, help="bytes that a step prints which prints much")
    return parser.parse_args()


def compared(asked: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """Each case in words, and how the records of both engines differ."""
    if asked.drills:
        yield from ((f"drills of {name}", library_drills.compare(name)) for name in library_drills.RUNBOOKS)
        return
    if asked.plain:
        yield from compared_with_plain(asked)
        return
    done = Counter[str]()
    with place(ssh=asked.ssh, large=asked.large) as where:
        for seed in range(asked.first, asked.first + asked.seeds):
            case = Case.of(seed, life=asked.life)
            done.update([case.life, *(key for step in case.document["steps"] for key in step)])
            yield f"seed {seed} ({case.life})", where.compare(case)
    print(", ".join(f"{count} {key}" for key, count in done.most_common()))


def compared_with_plain(asked: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """The same for plain Ansible; what the product refuses to begin is named, and is no difference."""
    with plain_place(ssh=asked.ssh) as where:
        for seed in range(asked.first, asked.first + asked.seeds):
            try:
                yield f"seed {seed}", where.compare(SourcesCase.of(seed))
            except RefusedError as why:
                yield f"seed {seed}, which is refused: {why}", []


def main() -> None:
    """Compare as many as are asked for, and print how they differ."""
    different, cases, begun = 0, 0, time.monotonic()
    for case, differences in compared(words()):
        took, begun = time.monotonic() - begun, time.monotonic()
        cases, different = cases + 1, different + bool(differences)
        verdict = "the same" if not differences else "DIFFERENT"
        print(f"{case}, {took:.0f} s: {verdict}", *differences, sep="\n    ", flush=True)
    print(f"{cases - different} of {cases} are the same")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
