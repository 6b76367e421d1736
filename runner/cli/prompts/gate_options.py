"""The options of every command that does something on hosts: what is answered in advance, and how it is shown."""

import click

from runner.cli.option_groups import together
from runner.executor.job import ENGINE, ENGINES

gate_options = together(
    click.option("--step", is_flag=True, help="Ask before each step: continue, skip, undo everything, escalate, stop."),
    click.option("--yes", is_flag=True, help="Approve in advance everything that needs approval."),
    click.option(
        "--confirm", multiple=True, metavar="STEP", help="Confirm in advance a step that a person does or confirms."
    ),
    click.option(
        "--choose",
        multiple=True,
        metavar="STEP.NAME=VALUE,...",
        help="Choose in advance (for one host: STEP.NAME@HOST=...).",
    ),
    click.option(
        "--wait",
        metavar="TIME",
        default="0s",
        help="How long to wait for locked hosts and for approvals from elsewhere, like 10m.",
    ),
    click.option(
        "--engine",
        type=click.Choice(ENGINES),
        envvar=ENGINE,
        help="How tasks reach their hosts: fast, by one Python that stays on each, or stock, as Ansible does it.",
    ),
    click.option("--json", "as_json", is_flag=True, help="One JSON object for each event, and the result, on stdout."),
)
"""The options of every command that may ask somebody."""

doubt_options = together(
    click.option("--done", multiple=True, metavar="STEP[@HOST]", help="Say that this interrupted step is done."),
    click.option("--redo", multiple=True, metavar="STEP[@HOST]", help="Execute this interrupted step again."),
)
"""Those of every command that goes on from an earlier run, by which one says what became of steps in doubt."""
