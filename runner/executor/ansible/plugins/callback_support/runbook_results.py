# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible says of a task that has ended, bounded, and whether the task may still be at it."""

from __future__ import annotations

import datetime as dt
import json
import math

LONGEST = 131_072
WHOLE = 1_048_576
NEVER_THERE = (
    "ssh: connect to host",
    "ssh: Could not resolve hostname",
    "Host key verification failed",
    "Permission denied (",
)


def may_go_on(kind, result):
    """Whether the task may still be at it on its host.

    The connection broke, the module ended without an answer, or Ansible has waited for as long as the task's `timeout`.
    """
    if kind == "unreachable":
        return not any(word in str(result.get("msg")) for word in NEVER_THERE)
    return "module_stdout" in result or "timedout" in result


def public(result):
    """The result without Ansible's internals and module arguments, each text bounded, all of it bounded."""
    answer = {
        # What is captured is used again: it is never shortened, only refused as a whole where it is too large.
        str(key): value if key == "ansible_facts" else bounded(value)
        for key, value in result.items()
        if not str(key).startswith("_ansible") and key != "invocation"
    }
    if altered := {str(name): what for name, value in _facts(result).items() if (what := unlike_json(value))}:
        answer["altered"] = altered
    for key in ("stdout_lines", "stderr_lines", "whole_lines", "diff"):
        answer.pop(key, None)
    if isinstance(answer.get("results"), list):
        answer["samples"] = len(answer["results"])
        answer["results"] = [public(item) for item in answer["results"][-1:] if isinstance(item, dict)]
    if len(json.dumps(answer, default=str)) > WHOLE:
        keys = [key for key in ("rc", "msg", "status", "changed", "stdout", "stderr") if key in answer]
        answer = {key: _flat(answer[key]) for key in keys}
        answer["truncated"] = True
    return answer


def _facts(result):
    facts = result.get("ansible_facts")
    return facts if isinstance(facts, dict) else {}


def unlike_json(value):
    """What in the value would be something else once it has been written as JSON; nothing where all stays as it is."""
    if isinstance(value, dict):
        keys = (f"a mapping with the key {key!r}, which is no text" for key in value if not isinstance(key, str))
        return next(keys, "") or next(filter(None, map(unlike_json, value.values())), "")
    if isinstance(value, (list, tuple)):
        return next(filter(None, map(unlike_json, value)), "")
    if value is None or isinstance(value, (str, bool, int, float)):
        return ""
    return "a date" if isinstance(value, dt.date) else f"of the type {type(value).__name__}"


def _flat(value):
    return bounded(json.dumps(value, default=str)) if isinstance(value, (dict, list)) else value


def bounded(value):
    """The value without the middle of each text that is too long, and with NaN and Infinity as texts: JSON has none."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str) and len(value) > LONGEST + 64:
        half = LONGEST // 2
        return f"{value[:half]}\n[... {len(value) - LONGEST} characters left out ...]\n{value[-half:]}"
    if isinstance(value, dict):
        return {str(key): bounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [bounded(item) for item in value]
    return value
