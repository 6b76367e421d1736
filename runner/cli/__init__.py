"""The roof: the command group, its shared options, and the one place where errors become exit codes."""

from __future__ import annotations

import gc
import io
import keyword
import os
import re
import sys
from pathlib import Path
from typing import Any

import click

from runner.errors import ExitCode, RunbookError

_HERE = Path(__file__).parent
_CAPTION = re.compile(r'"""`runbook [a-z]+` \((?P<group>[A-Z][a-z ]+)\): (?P<caption>.*?)\.?(?:"""|$)')
_GROUPS = ("At night", "Writing", "Library", "Record", "Lab")


def _captions() -> dict[str, tuple[str, str]]:
    """Each command with its group and its caption: the first line of its file, read without importing what it needs."""
    captions = {}
    for path in sorted(_HERE.glob("*.py")):
        with path.open(encoding="utf-8") as file:
            first = _CAPTION.match(file.readline().rstrip())
        if first:
            captions[path.stem.rstrip("_")] = first["group"], first["caption"]
    return captions


class _Commands(click.Group):
    """The commands, one per file, imported when they are called: `runbook --help` must not wait for Ansible."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [*_captions()]  # `list` is a module of this package as soon as that command was imported

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _captions():
            return None
        import importlib  # noqa: PLC0415

        # What is imported stays to the end: searching it for garbage again and again takes a sixth of a short command.
        gc.disable()
        try:
            name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
            command: click.Command = importlib.import_module(f"runner.cli.{name}").command
        finally:
            gc.freeze()
            gc.enable()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib  # noqa: PLC0415

            if near := difflib.get_close_matches(args[0], _captions(), n=1):
                raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        captions = _captions()
        for name in _GROUPS:
            with formatter.section(name):
                formatter.write_dl([(command, said) for command, (group, said) in captions.items() if group == name])


def _version(ctx: click.Context, _: Any, given: bool) -> None:  # noqa: FBT001 - click's callback
    if given:
        from runner import version  # noqa: PLC0415

        click.echo(f"runbook {version()}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path),
    help="Where runs are recorded.  [default: .runbook, beside the library]",
)
@click.option(
    "--library",
    type=click.Path(path_type=Path),
    help="The directory above runbooks/ and playbooks/; `shipped` is that of the product.  [default: the nearest]",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit."
)
@click.pass_context
def cli(ctx: click.Context, state_dir: Path | None, library: Path | None) -> None:
    """Executable runbooks: compiled to Ansible, verified at every step, recorded, escalated when they fail."""
    ctx.obj = {"state_dir": state_dir, "library": library}
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":  # https://no-color.org
        ctx.color = False


def main() -> None:
    """Run the command line and exit with one of the public exit codes."""
    if asked := os.environ.get("_RUNBOOK_COMPLETE"):
        from runner.cli.completion import answer  # noqa: PLC0415

        click.echo(answer(cli, asked))
        sys.exit(0)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what the terminal has no letter for must not end a run
    try:
        code = cli.main(prog_name="runbook", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = ExitCode.INVALID
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = ExitCode.INTERRUPTED
    except RunbookError as error:
        complain(error)
        code = error.exit_code
    except OSError as error:  # a full disk, a file where a directory should be: for a person to mend as well
        complain(RunbookError(f"{error.filename}: {error.strerror}" if error.filename else str(error)))
        code = RunbookError.exit_code
    sys.exit(int(code or 0))


def complain(error: RunbookError) -> None:
    """Say what is wrong, and how it is mended, on standard error."""
    from runner.cli.terminal import safe  # noqa: PLC0415

    click.echo(f"error: {safe(error.message, lines=True)}", err=True)
    if error.hint:
        click.echo(f"hint: {safe(error.hint)}", err=True)
