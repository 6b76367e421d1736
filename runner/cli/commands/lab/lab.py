"""`runbook lab`: Start a lab of five machines with a web shop on them, to rehearse runbooks on."""

import os
import subprocess
import time

import click

from runner.cli import lab_entry
from runner.cli.output.table import draw
from runner.cli.output.terminal import safe
from runner.lab.machines import lab
from runner.lab.machines.image import PROVISIONED
from runner.lab.machines.topology import DEFAULT, MACHINES
from runner.library.root import cache_directory

_name = click.option("--lab", "name", default=DEFAULT, show_default=True, metavar="NAME", help="Which lab.")
_host = click.argument("host", type=click.Choice([*MACHINES]))


class _InsideLabs(click.Command):
    """A command that is done where its user has labs, once it is known to be typed well."""

    def invoke(self, ctx: click.Context) -> object:
        lab_entry.enter(network=self.name != "build")  # which reaches the archive of packages
        return super().invoke(ctx)


@click.group("lab")
def command() -> None:
    """Machines to rehearse on: five systemd hosts of a web shop, on this machine, in a network of their own.

    A load balancer with TLS (edge), the web shop (app1, app2), PostgreSQL (db1) and its replica (db2). Without root
    they are in a user namespace of yours; what that or root needs and does not find is named.
    """


command.command_class = _InsideLabs


@command.command("build")
@click.option("--again", is_flag=True, help="Make it anew although it is there.")
def build(*, again: bool) -> None:
    """Make the image of the machines, once, in a few minutes.

    It is a small Debian from the archive that apt uses here, and the web shop.
    """
    began = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"{time.monotonic() - began:6.1f}s  {text}", err=True)

    image = lab.build(cache_directory(os.environ) / "lab", again=again, say=say)
    click.echo(f"image  {safe(str(image.path))}")


@command.command("up")
@_name
def up(name: str) -> None:
    """Start a lab; return when its web shop answers."""
    began = time.monotonic()
    _show([lab.up(name, cache_directory(os.environ) / "lab")])
    click.echo(f"up     {time.monotonic() - began:.1f} s", err=True)


@command.command("down")
@_name
def down(name: str) -> None:
    """End a lab, with everything of it."""
    lab.down(name)
    click.echo(f"down   the lab {name}: nothing of it is left", err=True)


@command.command("status")
def status() -> None:
    """Show the labs that are up, their machines, and how they are reached."""
    _show(lab.status())


@command.command("shell")
@_host
@_name
@click.argument("words", nargs=-1)
def shell(host: str, name: str, words: tuple[str, ...]) -> None:
    """Open a session on HOST over SSH, or do the command WORDS there.

    The user there is ops, who may become root by sudo.
    """
    raise click.exceptions.Exit(subprocess.run([*lab.ssh_command(name, host), *words], check=False).returncode)


@command.command("power-off")
@_host
@_name
def power_off(host: str, name: str) -> None:
    """Cut the power of HOST: nothing on it ends in order, and it answers nobody."""
    lab.power_off(name, host)
    click.echo(f"off    {host}; runbook lab power-on starts it again", err=True)


@command.command("power-on")
@_host
@_name
def power_on(host: str, name: str) -> None:
    """Start HOST again, with its disk as it is."""
    lab.power_on(name, host)
    click.echo(f"on     {host}, with its disk as it was", err=True)


@command.command("snapshot")
@click.argument("snapshot")
@_name
def snapshot(snapshot: str, name: str) -> None:
    """Keep the disks of all machines as SNAPSHOT.

    The machines are shut down for it, and started again.
    """
    lab.snapshot(name, snapshot)
    click.echo(f"kept   the disks of all machines; runbook lab restore {snapshot} begins with them again", err=True)


@command.command("restore")
@click.argument("snapshot", default=PROVISIONED)
@_name
def restore(snapshot: str, name: str) -> None:
    """Start all machines anew, with the disks of SNAPSHOT.

    Without it, with their disks as they were when the lab was started first.
    """
    lab.restore(name, snapshot)
    click.echo(f"on     all machines, with their disks as they were at {snapshot}", err=True)


def _show(statuses: list[lab.LabStatus]) -> None:
    rows = [
        {"lab": each.name, "host": machine.name, "address": machine.address, "state": machine.state}
        for each in statuses
        for machine in each.machines
    ]
    draw(rows, empty="no lab is up: start one with runbook lab up")
    for each in statuses:
        own = "" if each.name == DEFAULT else f" -i {each.inventory}"
        click.echo(f"{each.name}  its disks began as {each.snapshot}; use it with -i inventories/lab{own}", err=True)
