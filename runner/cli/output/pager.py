"""What is longer than the terminal is read in the reader's own pager; in a pipe it is printed as it is."""

import contextlib
import io
import shutil
import sys
from collections.abc import Iterator

import click


@contextlib.contextmanager
def paged() -> Iterator[None]:
    """Show what the block prints on standard output, by a pager where it is longer than the terminal of a person.

    What was printed before something was raised is shown as well. A block within such a block adds to it.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield
        return
    text, context = io.StringIO(), click.get_current_context()
    colour, context.color = context.color, context.color is not False
    try:
        with contextlib.redirect_stdout(text):
            yield
    finally:
        context.color = colour
        _show(text.getvalue())


def _show(text: str) -> None:
    if text.count("\n") < shutil.get_terminal_size().lines:
        click.echo(text, nl=False)
    else:
        click.echo_via_pager(text.removesuffix("\n"))
