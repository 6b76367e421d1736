"""`runbook audit`: Verify the audit log, or show its records."""

import json
from dataclasses import asdict

import click

from runner.cli import context
from runner.cli.option_groups import Parsed
from runner.cli.output.pager import paged
from runner.cli.output.terminal import safe
from runner.core.errors import AuditError, ExitCode
from runner.core.wording import counted
from runner.services.deployment_log import compare
from runner.services.run_list import audit_log, find_run
from runner.store.log.chain import Head
from runner.store.log.envelope import Record
from runner.store.log.log_reader import read, verify
from runner.store.state_check import LoggedRuns


@click.group("audit")
def command() -> None:
    """Verify the audit log, or show its records."""


@command.command("verify", short_help="Check the audit log, and the state directory against it.")
@click.option(
    "--head",
    "noted",
    type=Parsed("SEQ:HASH", Head.parse),
    help="A head of the log that was noted elsewhere, in a page or at an earlier check.",
)
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
def verify_log(*, noted: Head | None, as_json: bool) -> None:
    """Check that no record was edited, removed, inserted or reordered; exit 7 if one was.

    The directory of each run is compared with the log as well: its state, its report and every file of evidence. The
    chain alone cannot show that somebody rewrote the log from one record on, together with these files. To detect that,
    give a head that was kept elsewhere with --head.
    """
    state = context.recorded()
    path = audit_log(state)
    logged = LoggedRuns()
    verified = verify(path, noted=noted, each=logged.add)
    found = logged.disagreements(state)
    if as_json:
        click.echo(json.dumps({"path": str(path), **asdict(verified), "disagreements": found}))
    elif not found:
        click.echo(
            f"intact  {counted(verified.records, 'record')} of {counted(verified.runs, 'run')} in {safe(str(path))}"
        )
        click.echo(f"files   {counted(len(list(state.runs())), 'run')} checked, all as the log says")
        click.echo(f"head    {verified.head.seq}:{verified.head.hash}")
    if found:
        told = f"{safe(str(state.path))} does not match the audit log:\n" + "\n".join(map(safe, found))
        raise AuditError(told, hint="keep all of it as evidence, and find out who wrote to it")


@command.command("show", short_help="Show the records, oldest first.")
@click.argument("run", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per record.")
def show_log(run: str | None, *, as_json: bool) -> None:
    """Show the records, oldest first; with RUN (its id, or `last`) only those of that run."""
    state = context.recorded()
    name = find_run(state, run).path.name if run else None
    records = read(audit_log(state), run=name)
    if as_json:
        for record in records:
            click.echo(json.dumps(asdict(record), default=str))
        return
    with paged():
        for record in records:
            click.echo(_line(record))


@command.command("deployments", short_help="Compare the deployment log of the library with the record.")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if a line is missing or is not what happened.")
def deployment_log(*, check: bool) -> None:
    """Append each deployment that is missing in the deployment log of the library, as after a full disk.

    The log is the file that runbook.toml names. A line that is not what the record says is reported, and never changed.
    """
    found = compare(context.library().root, context.recorded(), context.clock(), mend=not check)
    for name in found.missing:
        click.echo(f"{'missing' if check else 'added'}  {safe(name)}")
    for name in found.changed:
        click.echo(f"changed  {safe(name)}")
    if not (found.missing or found.changed):
        click.echo(f"complete  {safe(str(found.path))}")
    if found.changed or (check and found.missing):
        raise click.exceptions.Exit(ExitCode.FAILED)


def _line(record: Record) -> str:
    time = record.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    where = " ".join(filter(None, (record.step, f"@{record.host}" if record.host else "")))
    kept = ("outcome", "reason", "by", "note", "text", "environment", "contact", "status", "runbook")
    words = [f"{key}={record.data[key]}" for key in kept if record.data.get(key)]
    return safe(f"{record.seq:6} {time} {record.run} {record.type:22} {where} {' '.join(words)}".rstrip())
