"""`runbook notify`: Show the pages that have not arrived, and test whether people can be reached."""

from dataclasses import asdict

import click

from runner.cli import context
from runner.cli.output.sent_pages import complain_of, show_next_levels, show_sent
from runner.cli.output.table import draw, print_json
from runner.cli.output.terminal import safe
from runner.core.errors import ExitCode
from runner.core.wording import addressee
from runner.model.contacts import read_contacts
from runner.services.contact_tests import contact_reaches, try_contacts
from runner.services.incident_response import call_next_levels
from runner.services.notifications import drop_page, flush_pages, undelivered_pages
from runner.store.state_directory import StateDirectory

_COLUMNS = ("id", "run", "contact", "channel", "action", "status", "attempts", "reason")


def _writable() -> StateDirectory:
    """The state directory that there is, to be written to."""
    state = context.recorded()
    state.require_writable()
    return state


@click.group("notify")
def command() -> None:
    """Show the pages that have not arrived, send them again, or give one up; test whether people can be reached.

    Every later command that works on runs sends them again, too; a page that is refused three times waits for a person.
    """


@command.command("list", short_help="Show the pages that have not arrived.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_pages(*, as_json: bool) -> None:
    """Show every page that has not arrived: whom it is for, by which channel, and what became of it."""
    pages, problems = undelivered_pages(context.recorded())
    if as_json:
        print_json(pages)
    else:
        draw([{name: str(getattr(page, name)) for name in _COLUMNS} for page in pages], empty="every page has arrived")
    complain_of(problems)


@command.command("flush", short_help="Send the pages that have not arrived.")
def flush() -> None:
    """Send every page that has not arrived, all at once.

    Exit 8: one still has not arrived. Exit 7: all have, and it could not be recorded, as on a full disk.
    """
    here = context.installation(_writable())
    flushed = flush_pages(here)
    show_sent(flushed)
    show_next_levels(call_next_levels(here))
    if not flushed.sent and not flushed.problems:
        click.echo("every page has arrived", err=True)
    if flushed.problems or not flushed.all_arrived:
        raise click.exceptions.Exit(ExitCode.AUDIT if flushed.all_arrived else ExitCode.PAGING)


@command.command("drop", short_help="Give up a page that has not arrived.")
@click.argument("name", metavar="ID")
@click.option("--because", metavar="WHY", required=True, help="How they were reached, or why they need not be.")
def drop(name: str, *, because: str) -> None:
    """Give up the page ID of `runbook notify list`: it is not sent again, and status shows it no longer.

    Who gave it up and why is in the audit log.
    """
    page = drop_page(context.installation(_writable()), name, because)
    click.echo(f"dropped  {page.id}: {safe(addressee(page.contact, page.channel))}: {safe(page.summary)}")


@command.command("test", short_help="Send a test page to contacts.")
@click.argument("contacts", nargs=-1, metavar="[CONTACT]...")
def send_test(contacts: tuple[str, ...]) -> None:
    """Call CONTACT for a test, or everybody who has a channel, in the same way as for a run.

    The page says that it is a test and that nothing is to be done, and is ended at once. Exit 8: one was not reached.
    """
    here = context.installation(context.state())
    people = read_contacts(context.library().root / "runbooks" / "contacts.yml")
    tested = try_contacts(here, people, contacts, sender=here.actor.person)
    for each in tested.sent:
        became = "reached" if each.receipt.ok else f"{each.receipt.status}: {each.receipt.reason}"
        click.echo(safe(f"{addressee(each.contact, each.receipt.channel)}: {became}"))
    complain_of(tested.problems)
    if tested.unreached:
        raise click.exceptions.Exit(ExitCode.PAGING)


@command.command("contacts", short_help="Show when each contact was last reached.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show_contacts(*, as_json: bool) -> None:
    """Show by which channels each contact is called, and when they were last reached, by a test or for a run."""
    state = context.recorded_if_any()
    reaches = contact_reaches(state, read_contacts(context.library().root / "runbooks" / "contacts.yml"))
    if as_json:
        print_json(reaches)
        return
    rows = [
        {**asdict(each), "last reached": f"{each.reached:%Y-%m-%d %H:%M}" if each.reached else "never"}
        for each in reaches
    ]
    columns = ("contact", "level", "channel", "last reached", "name")
    draw([{column: str(row[column]) for column in columns} for row in rows], empty="nobody has a channel")
