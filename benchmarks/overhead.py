"""Measures what the product adds to plain Ansible, or saves, and what the bare work takes by other tools.

    python benchmarks/overhead.py [--runs N] [--only local1,ssh1,ssh10,ssh50,ssh200] [--ways fast,plain,...]
                                  [--gates 0,1,3,9] [--svg FILE]

*plain* is `ansible-playbook`, tuned: no facts, pipelining, ControlPersist, a fixed interpreter, a fork for each host
(50 at most), output to /dev/null; *untuned* is the same without all that. *fast* and *stock* are `runbook run` by that
engine, with all that it does: supervisor, audit log, run state, evidence and report, in a new state directory on disk.
All of these run the same file. *script* (ssh and a shell script), *asyncssh*, *fabric* and *pyinfra* run the same
commands, and neither verify nor record anything; what is not installed is left out by name.

None finds a connection open when it starts, and all have compiled Python. They take turns, and a ratio is that of two
runs of the same turn: a busy machine slows both. The seconds of a processor are those of all that the command starts on
this side of a connection; they say more than the clock where something else is going on. With `--gates` the runbook has
so many approvals, which are given in advance, on this machine.
"""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import yaml
from comparison import other_tools, plot
from comparison.measured_run import RUNBOOK, Bench, library, write_inventory
from comparison.timed import Taken, directory, environment, timed

import runner
from runner.core.errors import InvalidInputError
from runner.lab.hosts import Host, ssh_hosts

IMPORTS = 9
OURS = ("plain", "untuned", "stock", "fast")
GATES_OF = "gates"


@dataclass(frozen=True)
class Setting:
    """Where it is measured: on how many hosts, over SSH or on this machine."""

    name: str
    hosts: int
    ssh: bool


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("local1", hosts=1, ssh=False),
        Setting("ssh1", hosts=1, ssh=True),
        Setting("ssh10", hosts=10, ssh=True),
        Setting("ssh50", hosts=50, ssh=True),
        Setting("ssh200", hosts=200, ssh=True),
    )
}


def main() -> None:
    """Measure what is asked for, and print it."""
    options = _options()
    for tree in (sysconfig.get_path("purelib"), *runner.__path__):
        compileall.compile_dir(tree, quiet=2)
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    print(f"{machine}; ansible-core {version('ansible-core')}; load {os.getloadavg()[0]:.1f}\n")
    walls: dict[str, Mapping[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        scratch = Path(name)
        for setting in (SETTINGS[each] for each in options.only):
            try:
                walls[_named(setting)] = _measure(setting, options.ways, options.runs, scratch / setting.name)
            except InvalidInputError as error:
                print(f"{setting.name}: left out: {error.message} ({error.hint})")
        if options.gates:
            _measure_gates(options.gates, options.runs, scratch / GATES_OF)
    if options.svg and walls:
        options.svg.write_text(plot.draw(machine, walls), encoding="utf-8")
    _show_imports()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    tools = other_tools.installed()
    ways = [*OURS, *(tool for tool, is_here in tools.items() if is_here)]
    for tool in (tool for tool, is_here in tools.items() if not is_here):
        print(f"{tool} is left out: pip install {tool}")
    parser.add_argument("--runs", type=int, default=5, help="turns that are counted (default: 5)")
    parser.add_argument("--only", type=_some_of(SETTINGS), default=["local1", "ssh1", "ssh10"], help="settings")
    parser.add_argument("--ways", type=_some_of(ways), default=ways, help=f"of {','.join(ways)}")
    parser.add_argument("--gates", type=lambda text: [*map(int, text.split(","))], default=[], help="such as 0,1,3,9")
    parser.add_argument("--svg", type=Path, help="the file for a picture of the medians")
    return parser.parse_args()


def _some_of(known: Sequence[str] | Mapping[str, object]) -> Callable[[str], list[str]]:
    def some(text: str) -> list[str]:
        if unknown := [name for name in text.split(",") if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not one of {', '.join(known)}")
        return text.split(",")

    return some


def _named(setting: Setting) -> str:
    return f"{setting.hosts} host{'s' * (setting.hosts > 1)} {'over SSH' if setting.ssh else 'here'}"


def _measure(setting: Setting, ways: Sequence[str], runs: int, place: Path) -> dict[str, float]:
    """Run in turn, so that whatever else the machine does falls on all; the first turn only warms it up."""
    runbook = yaml.safe_load((Path(__file__).parent / "runbooks" / f"{RUNBOOK}.yml").read_text(encoding="utf-8"))
    commands = other_tools.shell_commands(runbook["steps"])
    place.mkdir()
    with _hosts(setting, place) as (inventory, hosts):
        bench = Bench(library(place / "library"), inventory, place, setting.hosts)

        def take(way: str) -> Taken | None:
            if way in OURS:
                return bench.take(way)
            return (
                other_tools.over_ssh(way, hosts, commands, place) if hosts else other_tools.here(way, commands, place)
            )

        turns = [{way: take(way) for way in ways} for _ in range(runs + 1)][1:]
    taken = {way: [turn[way] for turn in turns if turn[way]] for way in ways}
    print(f"{_named(setting)}, {runs} runs:   seconds    of a processor   times as long as fast (least-most)")
    for way, each in taken.items():
        _print(way, each, [turn["fast"] for turn in turns] if "fast" in ways else [])
    print(flush=True)
    return {way: median(one.wall for one in each if one) for way, each in taken.items() if each}


def _print(way: str, taken: Sequence[Taken | None], fast: Sequence[Taken | None]) -> None:
    if not taken:
        print(f"  {way:10} left out: it works over SSH only")
        return
    walls, processor = [each.wall for each in taken if each], median(each.cpu for each in taken if each)
    ratios = [wall / each.wall for wall, each in zip(walls, fast, strict=True) if each]
    times = f"{median(ratios):6.2f} ({min(ratios):.2f}-{max(ratios):.2f})" if ratios else ""
    print(f"  {way:24}{median(walls):9.2f}{processor:14.2f}       {times}")


@contextmanager
def _hosts(setting: Setting, place: Path) -> Iterator[tuple[Path, list[Host]]]:
    """The inventory of `setting`, and its hosts while it is in use.

    Raises:
        InvalidInputError: sshd is not installed.
    """
    names = {f"h{number}": f"127.0.77.{number}" for number in range(1, setting.hosts + 1)}
    if setting.ssh:
        with ssh_hosts(place / "hosts", names) as up:
            yield (
                write_inventory(place, {name: host.variables() for name, host in up.hosts.items()}),
                [*up.hosts.values()],
            )
    else:
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        yield write_inventory(place, dict.fromkeys(names, here)), []


def _measure_gates(gates: Sequence[int], runs: int, place: Path) -> None:
    """How much longer a run takes the more approvals it has, all given in advance."""
    place.mkdir()
    setting = SETTINGS["local1"]
    with _hosts(setting, place) as (inventory, _):
        benches = {count: Bench(library(place / str(count), gates=count), inventory, place, 1) for count in gates}
        turns = [{count: bench.take("fast") for count, bench in benches.items()} for _ in range(runs + 1)][1:]
    print(f"approvals, {runs} runs:   seconds    of a processor   times as long as {gates[0]}")
    for count in gates:
        wall, processor = (median(getattr(turn[count], kind) for turn in turns) for kind in ("wall", "cpu"))
        ratio = median(turn[count].wall / turn[gates[0]].wall for turn in turns)
        print(f"  {count:<24}{wall:9.2f}{processor:14.2f}       {ratio:6.2f}")
    print(flush=True)


def _show_imports() -> None:
    both = ("pass", "import runner.cli")
    with directory(Path(tempfile.gettempdir())) as place:
        pairs = [
            [timed([sys.executable, "-c", each], cwd=place, environment=environment()).wall for each in both]
            for _ in range(IMPORTS)
        ]
    bare, ours = (median(column) * 1000 for column in zip(*pairs, strict=True))
    print(f"import runner.cli: {ours:.0f} ms, of which a bare Python takes {bare:.0f} ms")


if __name__ == "__main__":
    main()
