"""`runbook audit`: Verify the audit log, or show what it records."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from runner.cli import context
from runner.cli.terminal import safe
from runner.record.audit_log import Record, read, verify


@click.group("audit")
def command() -> None:
    """Verify or show the audit log."""


@command.command("verify", short_help="Check that no record was edited, removed, inserted or reordered.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
def verify_log(*, as_json: bool) -> None:
    """Check that no record was edited, removed, inserted or reordered; exit 7 when one was.

    The chain alone does not detect a log that somebody re-chained from an edited record on, or whose end was cut off:
    compare the head with one that was kept elsewhere, as in a page.
    """
    path = context.audit_log(context.recorded())
    verified = verify(path)
    if as_json:
        click.echo(json.dumps({"path": str(path), **asdict(verified)}))
    else:
        click.echo(f"intact  {verified.records} records of {verified.runs} runs in {path}")
        click.echo(f"head    {verified.head.seq}:{verified.head.hash}")


@command.command("show", short_help="Show the records, oldest first.")
@click.argument("run", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per record.")
def show_log(run: str | None, *, as_json: bool) -> None:
    """Show the records, oldest first; only those of RUN when it is named."""
    state = context.recorded()
    if run:
        state.run(run)
    for record in read(context.audit_log(state), run=run):
        if as_json:
            click.echo(json.dumps(asdict(record), default=str))
        else:
            click.echo(_line(record))


def _line(record: Record) -> str:
    time = record.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    where = " ".join(filter(None, (record.step, f"@{record.host}" if record.host else "")))
    kept = ("outcome", "reason", "by", "note", "text", "environment", "contact", "status", "runbook")
    words = [f"{key}={record.data[key]}" for key in kept if record.data.get(key)]
    return safe(f"{record.seq:6} {time} {record.run} {record.type:22} {where} {' '.join(words)}".rstrip())
