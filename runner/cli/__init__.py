"""The command line: the command group, its shared options, and the one place where errors become exit codes."""

from __future__ import annotations

import contextlib
import errno
import gc
import io
import keyword
import os
import re
import select
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from runner.cli.prompts.keyboard import typed
from runner.core.deferred import regex
from runner.core.errors import DefectError, ExitCode, RunbookError, explain

if TYPE_CHECKING:
    from runner.cli.system import System

COMMANDS = Path(__file__).parent / "commands"
_CAPTION = regex(r'"""`runbook [a-z]+`: (?P<caption>.*?)\.?(?:"""|$)')
_GROUPS = {
    "night": "On call",
    "calls": "Calling people",
    "planned": "Planned work",
    "author": "Writing runbooks",
    "library": "Library",
    "record": "Record",
    "lab": "Lab",
}

_OBJECTS = 100_000
"""The new objects after which Python searches for garbage: more than the imports of a command leave."""


def _captions() -> dict[str, tuple[str, str]]:
    """Each command with its group and its caption: the first line of its file, read without importing what it needs."""
    captions = {}
    for path in sorted(COMMANDS.glob("*/[!_]*.py"), key=lambda path: path.stem):
        with path.open(encoding="utf-8") as file:
            first = _CAPTION.match(file.readline().rstrip())
        if first:
            captions[path.stem.rstrip("_")] = path.parent.name, first["caption"]
    return captions


class _Commands(click.Group):
    """The commands, one per file, imported when they are called: `runbook --help` must not wait for Ansible."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [*_captions()]  # `list` is a module of this package as soon as that command was imported

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in (captions := _captions()):
            return None
        import importlib  # noqa: PLC0415

        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        module = f"runner.cli.commands.{captions[cmd_name][0]}.{name}"
        command: click.Command = importlib.import_module(module).command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        from runner.core.characters import unfit  # noqa: PLC0415

        for number, word in enumerate(args, start=1):
            if why := unfit(word):
                raise click.UsageError(f"Argument {number}, {word!r}, {why}.", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            if _is_read(1) and _is_read(2):  # else click takes it for the end of whoever reads, and says nothing
                raise RuntimeError("what it was sending something to went away") from error
            raise

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
        for group, title in _GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, caption) for name, (own, caption) in captions.items() if own == group])


def _version(ctx: click.Context, _: Any, given: bool) -> None:  # noqa: FBT001 - click's callback
    if given:
        from runner import version  # noqa: PLC0415

        click.echo(f"runbook {version()}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path, readable=False),
    help="Where runs are recorded.  [default: .runbook, beside the library]",
)
@click.option(
    "--library",
    type=click.Path(path_type=Path),
    help="The directory with runbooks/ and playbooks/; `shipped` means the product's examples.  [default: the nearest]",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit."
)
@click.pass_context
def cli(ctx: click.Context, state_dir: Path | None, library: Path | None) -> None:
    """Executable runbooks: compiled to Ansible, verified at every step, recorded, escalated when they fail."""
    from runner.cli.context import CommandContext  # noqa: PLC0415 - `runbook --help` does not wait for it
    from runner.cli.system import System  # noqa: PLC0415

    ctx.obj = CommandContext(state_dir, library, ctx.obj or System())
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":  # https://no-color.org
        ctx.color = False


def main(system: System | None = None) -> None:
    """Run the command line, on `system` or this machine, and exit with one of the public exit codes."""
    # What is imported stays to the end: searching it for garbage again and again takes a sixth of a short command.
    gc.set_threshold(_OBJECTS)
    # No plug-in of pydantic's has a say here, and it would look for one in the metadata of all packages. Nothing that a
    # run starts sees the variable.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _open_standard_streams()
    if asked := os.environ.get("_RUNBOOK_COMPLETE"):
        with contextlib.suppress(Exception):  # a shell that completes a word has no use for a complaint
            from runner.cli.commands.author.completion import answer  # noqa: PLC0415

            click.echo(answer(cli, asked))
        _leave(ExitCode.DONE)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what the terminal has no letter for must not end a run
    click.termui.visible_prompt_func = typed
    try:
        code = cli.main(prog_name="runbook", standalone_mode=False, obj=system)
    except SystemExit as error:  # click's own, when nobody reads what is printed
        code = error.code
    except BaseException as error:  # noqa: BLE001 - the one place where errors become exit codes
        code = _exit_code(error, _program(system))
    _leave(int(code or 0))


def _exit_code(error: BaseException, program: str) -> int:
    """The exit code for `error`, once it is said what is wrong; `program` is how a person types this command."""
    stopped = isinstance(error, click.Abort | KeyboardInterrupt)
    with contextlib.suppress(OSError):  # there may be nowhere to say it
        if isinstance(error, click.ClickException):
            _misplaced(error).show()
        elif stopped:
            click.echo("interrupted", err=True)
        else:
            complain(_in_words(error), program)
    if stopped:
        return ExitCode.INTERRUPTED
    return ExitCode.INVALID if isinstance(error, click.ClickException | OSError) else int(explain(error).exit_code)


def _misplaced(error: click.ClickException) -> click.ClickException:
    """`error`, with the place of an option that belongs before the command and was given after it."""
    if not isinstance(error, click.NoSuchOption) or not any(error.option_name in option.opts for option in cli.params):
        return error
    command = error.ctx.info_name if error.ctx else "COMMAND"
    where = f"{error.option_name} stands before the command: runbook {error.option_name} ... {command}"
    return click.UsageError(where, error.ctx)


def _in_words(error: BaseException) -> RunbookError:
    words = explain(error)
    if isinstance(words, DefectError) and words is not error:
        if os.environ.get("RUNBOOK_TRACEBACK"):
            raise error
        words.hint += "; RUNBOOK_TRACEBACK=1 before the command shows where it is"
    if isinstance(error, OSError) and not error.filename:
        return RunbookError(_system(error))
    return words


def _system(error: OSError) -> str:
    """What is wrong where the system names no file."""
    if not _is_there(os.getcwd):
        return "the working directory is gone: cd to one that exists"
    if error.errno in {errno.ENOSPC, errno.EIO, errno.EBADF}:
        return f"what is printed, or a file, cannot be written: {error.strerror}"
    return str(error)


def _is_there(look: Callable[[], object]) -> bool:
    try:
        look()
    except OSError:
        return False
    return True


def _is_read(number: int) -> bool:
    """Whether somebody may still read what is written to the stream of that `number`."""
    stream = select.poll()
    stream.register(number, 0)
    return not stream.poll(0)


def _open_standard_streams() -> None:
    """Let what was closed lead to nowhere: the next file to be opened would take its place, and hear our words."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - a stream for life


def _leave(code: int) -> NoReturn:
    """Exit with `code`, also where what was printed can no longer be written."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        if not _is_there(stream.flush):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, number)  # else the interpreter complains at its end, and exits with a code of its own
    gc.freeze()  # nothing needs to be searched for garbage at the end either
    sys.exit(code)


def _program(system: System | None) -> str:
    from runner.cli.system import System  # noqa: PLC0415

    with contextlib.suppress(OSError):  # the working directory may be gone
        return (system or System()).program()
    return ""


def as_typed(hint: str, program: str) -> str:
    """`hint`, in which each command of ours begins with `program`, where a shell does not find it as `runbook`."""
    if not program:
        return hint
    import shlex  # noqa: PLC0415

    names = "|".join(map(re.escape, _captions()))
    return re.sub(rf"(?<![\w/.-])runbook (?=(?:{names})\b)", lambda _: f"{shlex.quote(program)} ", hint)


def complain(error: RunbookError, program: str = "") -> None:
    """Say what is wrong, and how it is mended, on standard error."""
    from runner.cli.output.terminal import safe  # noqa: PLC0415

    click.echo(f"error: {safe(error.message, lines=True)}", err=True)
    if error.hint:
        click.echo(f"hint: {safe(as_typed(error.hint, program))}", err=True)
