"""`runbook gate`: Check the six quality gates, each with its evidence and what does not meet it."""

from collections.abc import Sequence
from dataclasses import asdict

import click

from runner.cli import context
from runner.cli.option_groups import Parsed, forms
from runner.cli.output.table import print_json
from runner.cli.output.terminal import safe
from runner.core.errors import ExitCode
from runner.library.gates.quality_gates import Comparison, check, name
from runner.model.yaml.finding import Finding
from runner.render.junit import gates_as_junit
from runner.services.library.library_overview import check_gates
from runner.services.run_list import proven_runs


@click.command("gate")
@forms(("text", "json", "junit"))
@click.option(
    "--expect",
    type=Parsed("GATE:ID", check),
    multiple=True,
    help="A known offender, like alerts:MON-001; may be repeated.",
)
def command(form: str, expect: Sequence[str]) -> None:
    """Check the six quality gates; exit 1 if one fails.

    With --expect, exit 0 only if exactly the named offenders offend. One that no longer offends is reported as well, so
    that nobody expects it any longer. A gate that has nothing to judge is expected by its name alone.
    """
    proofs = proven_runs(context.state_path(), context.clock())
    compared = check_gates(context.library(), proofs, expect)
    if form == "json":
        print_json([_data(each) for each in compared])
    elif form == "junit":
        click.echo(gates_as_junit(compared), nl=False)
    else:
        _tell(compared)
    if any(each.surprises for each in compared):
        raise click.exceptions.Exit(ExitCode.FAILED)


def _data(compared: Comparison) -> dict[str, object]:
    gate = compared.gate

    def offender(finding: Finding) -> dict[str, object]:
        return {**asdict(finding), "name": name(gate.name, finding), "expected": finding in compared.expected}

    offenders = [offender(finding) for finding in gate.offenders]
    return {**asdict(gate), "passed": gate.passed, "offenders": offenders, "expected_in_vain": compared.vain}


def _tell(all_of_them: Sequence[Comparison]) -> None:
    for compared in all_of_them:
        gate = compared.gate
        known = " (as expected)" if compared.expected and not compared.surprises else ""
        click.secho(f"{'pass' if gate.passed else 'FAIL'}  {gate.name}: {gate.title}{known}", bold=True)
        for line in gate.evidence:
            click.echo(f"      + {safe(line)}")
        for finding in gate.offenders:
            click.echo(f"      - {safe(str(finding))}{' (as expected)' if finding in compared.expected else ''}")
        for gone in compared.vain:
            click.echo(f"      ? {gone} does not offend: remove --expect {gone}")
    failed = [compared for compared in all_of_them if not compared.gate.passed]
    click.echo(f"{len(all_of_them) - len(failed)} of {len(all_of_them)} gates pass", err=True)
