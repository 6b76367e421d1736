"""`runbook demo`: Watch a real PostgreSQL break and RUN-001 repair it, with the record of it."""

import click

from runner.cli import context
from runner.cli.rehearsal_session import ended_in_order, new_stage, show_and_exit
from runner.lab.demo_workspace import workspace
from runner.lab.flow import leak, release, repair
from runner.lab.receiver import Receiver
from runner.lab.shop import Shop
from runner.library.library import Library


@click.command("demo")
@click.option("--ssh", is_flag=True, help="Use four hosts over real SSH; also a release and a rollback by RUN-002.")
@click.option("--no-remediation", is_flag=True, help="Break it and do not repair it: it stays broken (exit 1).")
@click.option("--no-fault", is_flag=True, help="Do not break it: RUN-001 refuses a healthy system (exit 1).")
@click.option("--ask", is_flag=True, help="Answer the questions of the runbook yourself.")
def command(*, ssh: bool, no_remediation: bool, no_fault: bool, ask: bool) -> None:
    """Break a real PostgreSQL on this machine and repair it. Nothing else is touched, and only the record remains.

    It needs no root and no containers. PostgreSQL comes with pip install 'runbookctl[demo]'; --ssh needs sshd.
    """
    context.recover_abandoned(context.state())
    with ended_in_order(), workspace() as directory, Receiver.listening() as receiver:
        opened = Shop.over_ssh(directory) if ssh else Shop.local(directory)
        with opened as shop:
            library = Library.shipped()
            inventories = [library.root / "inventories/local", shop.write_inventory()]
            stage = new_stage(library, inventories, receiver, directory, ask=ask)
            result = repair(stage, leak(shop), fault=not no_fault, remediation=not no_remediation)
            if ssh and result.ok:
                result = release(stage, shop)
    show_and_exit(result)
