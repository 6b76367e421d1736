"""What a step would do on a host, in a form that a person can read and that a hash can bind."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

_LIMIT = ("timeout", "--kill-after=")


def in_words(command: Mapping[str, Any]) -> str:
    """`command` (a module and its filled-in arguments) as a person would type it; what is not known is a template."""
    module, args = str(command["module"]), command["args"]
    if module == "ansible.builtin.command" and isinstance(args.get("argv"), list):
        line = " ".join(map(_quoted, _without_limit(args["argv"])))
        return f"{line}\n{args['stdin']}" if args.get("stdin") else line
    if module == "ansible.builtin.uri":
        body = f" {json.dumps(args['body'], default=str)}" if args.get("body") else ""
        return f"{args.get('method', 'GET')} {args.get('url', '')}{body}"
    return " ".join((module, *(f"{key}={_quoted(value)}" for key, value in args.items())))


def _without_limit(argv: Sequence[Any]) -> Sequence[Any]:
    """The program itself, without the `timeout` that ends it."""
    limited = len(argv) > len(_LIMIT) and argv[0] == _LIMIT[0] and str(argv[1]).startswith(_LIMIT[1])
    return argv[3:] if limited else argv


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    # A template that could not be filled in yet is easier to read as it is written.
    return text if "{{" in text or "\n" in text else shlex.quote(text)
