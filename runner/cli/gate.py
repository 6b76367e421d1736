"""`runbook gate`: Ask the six quality gates, each with its evidence and its offenders."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict

import click

from runner.cli import context
from runner.cli.forms import forms
from runner.cli.proven import proven
from runner.cli.terminal import safe
from runner.definition.collection import read
from runner.definition.gates import GATES, Gate, ask
from runner.definition.junit import junit
from runner.errors import ExitCode


@click.command("gate")
@forms(("text", "json", "junit"))
@click.option("--expect", type=click.Choice(GATES), multiple=True, help="A gate that fails by now; may be repeated.")
def command(form: str, expect: Sequence[str]) -> None:
    """Ask the six quality gates; exit 1 when one fails.

    With --expect, exit 0 only when exactly the gates that are named fail: one that passes though it is expected to fail
    is told as well, so that nobody goes on expecting it.
    """
    gates = ask(read(context.library()), proven())
    if form == "json":
        click.echo(json.dumps([_data(gate, expect) for gate in gates], indent=2))
    elif form == "junit":
        click.echo(junit(gates, expect), nl=False)
    else:
        _tell(gates, expect)
    if any(gate.passed == (gate.name in expect) for gate in gates):
        raise click.exceptions.Exit(ExitCode.FAILED)


def _data(gate: Gate, expected: Collection[str]) -> dict[str, object]:
    return {**asdict(gate), "passed": gate.passed, "expected_to_fail": gate.name in expected}


def _tell(gates: Sequence[Gate], expected: Collection[str]) -> None:
    for gate in gates:
        click.secho(f"{_verdict(gate)}  {gate.name}: {gate.title}{_surprise(gate, expected)}", bold=True)
        for line in gate.evidence:
            click.echo(f"      + {safe(line)}")
        for finding in gate.offenders:
            click.echo(f"      - {safe(str(finding))}")
    failed = [gate.name for gate in gates if not gate.passed]
    click.echo(f"{len(gates) - len(failed)} of {len(gates)} gates pass", err=True)


def _verdict(gate: Gate) -> str:
    return "pass" if gate.passed else "FAIL"


def _surprise(gate: Gate, expected: Collection[str]) -> str:
    if gate.name not in expected:
        return ""
    return " (though it is expected to fail: take its --expect away)" if gate.passed else " (as expected)"
