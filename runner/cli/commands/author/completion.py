"""`runbook completion`: Print the script that lets your shell complete commands, runbooks, hosts and runs."""

import contextlib
import io
import os
import shlex
from collections.abc import Mapping
from types import MappingProxyType

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    split_arg_string,
)

from runner.cli.completion.command_skeleton import cache_file, skeleton

VARIABLE = "_RUNBOOK_COMPLETE"
"""Set by the scripts when they ask what may come next."""

# Bash takes a word apart at `=` and `:`, which stand in inputs and in host patterns. So the line itself is passed on,
# and of each answer only what comes after the last such mark goes back.
_BASH = """\
%(complete_func)s() {
    local line kind
    COMPREPLY=()
    while IFS= read -r line; do
        kind=${line%%%%,*} line=${line#*,}
        case $kind in
            dir) compopt -o dirnames 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
            part) compopt -o nospace 2>/dev/null; COMPREPLY+=("$line") ;;
            plain) COMPREPLY+=("$line") ;;
        esac
    done < <(COMP_WORDS="${COMP_LINE:0:COMP_POINT}" COMP_BREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class _Bash(BashComplete):
    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_WORDS"]
        words = split_arg_string(line)
        ended = line[-1:].isspace() and not line.endswith("\\ ")
        return (words[1:], "") if ended else (words[1:-1], words[-1])

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        cut = 1 + max(incomplete.rfind(mark) for mark in "=:") if _breaks(incomplete) else 0
        found = super().get_completions(args, incomplete)
        return [CompletionItem(item.value[cut:], item.type, item.help) for item in found]

    def format_completion(self, item: CompletionItem) -> str:
        if item.type != "plain":
            return f"{item.type},{item.value}"
        return f"{'part' if item.value.endswith(('=', ':')) else 'plain'},{shlex.quote(item.value)}"


def _breaks(incomplete: str) -> bool:
    breaks = os.environ.get("COMP_BREAKS", "")
    return any(mark in incomplete and mark in breaks for mark in "=:")


SHELLS: Mapping[str, type[ShellComplete]] = MappingProxyType({"bash": _Bash, "zsh": ZshComplete, "fish": FishComplete})
"""The shells that can be told what may come next."""


@click.command(
    "completion",
    epilog="""\b
    bash: eval "$(runbook completion bash)"         in ~/.bashrc
    zsh:  eval "$(runbook completion zsh)"          in ~/.zshrc, after compinit
    fish: runbook completion fish | source          in ~/.config/fish/config.fish
    """,
)
@click.argument("shell", type=click.Choice([*SHELLS]))
def command(shell: str) -> None:
    """Print the completion script for your shell. With it, Tab completes what may come next."""
    root = click.get_current_context().find_root().command
    if isinstance(root, click.Group):
        skeleton(root, cache=cache_file(os.environ))  # so that the first Tab is quick as well
    made = SHELLS[shell](root, {}, "runbook", VARIABLE)
    click.echo(made.source_template % made.source_vars())


def answer(cli: click.Group, instruction: str) -> str:
    """What the shell asks for by `instruction`, such as `bash_complete`; nothing where anything is wrong.

    A person is typing: whatever goes wrong, no word of it may appear in their line.
    """
    with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(Exception):
        shell = SHELLS[instruction.partition("_")[0]]
        return shell(skeleton(cli, cache=cache_file(os.environ)), {}, "runbook", VARIABLE).complete()
    return ""
