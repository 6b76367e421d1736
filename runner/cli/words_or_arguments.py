"""A command whose first word may be another command, as with `runbook drill RUN-001` and `runbook drill stop`."""

from collections.abc import Mapping
from typing import Any

import click


class WordsOrArguments(click.Command):
    """A command of which the first word may be another command: `others`, by their words."""

    def __init__(self, *args: Any, others: Mapping[str, click.Command], **options: Any) -> None:
        super().__init__(*args, **options)
        self.others = others

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """That of the other command, where the first of `args` is its word."""
        if args and (other := self.others.get(args[0])):
            return other.make_context(f"{info_name} {args[0]}", args[1:], parent=parent, **extra)
        return super().make_context(info_name, args, parent=parent, **extra)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, and then the other commands."""
        super().format_options(ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl([(word, other.get_short_help_str()) for word, other in self.others.items()])

    def to_info_dict(self, ctx: click.Context) -> dict[str, Any]:
        """What is known of it, and of the other commands."""
        others = {word: other.to_info_dict(ctx) for word, other in self.others.items()}
        return {**super().to_info_dict(ctx), "others": others}
