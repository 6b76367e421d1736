#!/usr/bin/python
# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's command module with bounded output: head and tail are kept, with the size and SHA-256 of the whole.

It takes what ansible.builtin.command takes, and answers as that does. What was cut says so, and gives the lines of the
output that are kept whole as `whole_lines`. A gigabyte of output, or bytes that are no text, neither exhaust the memory
of the controller nor fail the command. What ran out of the time that coreutils' timeout gave it is ended with all that
it has started, also in a session of its own; what has ended in time leaves behind what it likes. What could not be
started says why, and has the exit code that a shell gives it, 126 or 127, or 257 when there is no such directory, so
that no verification of an exit code takes it for the command's own.

It uses nothing of ansible.module_utils, which the host would compile anew each time, for longer than most commands
take: https://docs.ansible.com/ansible/latest/dev_guide/developing_program_flow_modules.html#jsonargs-modules
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import glob
import hashlib
import json
import locale
import os
import re
import shlex
import signal
import subprocess
import sys
import syslog
import threading
import time

ARGUMENTS = r"""<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"""
"""JSON, once Ansible has written it here: there a backslash stands before each quotation mark of a text."""

DEFAULTS = {
    **dict.fromkeys(("_raw_params", "cmd", "argv", "chdir", "executable", "creates", "removes", "stdin")),
    **dict.fromkeys(("expand_argument_vars", "stdin_add_newline", "strip_empty_ends"), True),
    "_uses_shell": False,
}
PATHS = ("chdir", "creates", "removes")
WAYS = ("_raw_params", "cmd", "argv")
YES, NO = ("yes", "on", "1", "true", "t", "y", "1.0"), ("no", "off", "0", "false", "f", "n", "0.0")
KEPT = CHUNK = 65_536
PATIENCE = 1.0
GRACE = 0.5
SET_CHILD_SUBREAPER = 36


class Capture(threading.Thread):
    """Reads one stream to its end in constant memory."""

    def __init__(self, stream):
        super().__init__(daemon=True)
        self.stream, self.head, self.tail = stream, b"", b""
        self.size, self.digest = 0, hashlib.sha256()

    def run(self):
        """Until the last writer closes the stream."""
        with self.stream:
            while True:
                chunk = os.read(self.stream.fileno(), CHUNK)
                if not chunk:
                    return
                self.size += len(chunk)
                self.digest.update(chunk)
                room = KEPT - len(self.head)
                self.head += chunk[:room]
                self.tail = (self.tail + chunk[room:] if room < len(chunk) else self.tail)[-KEPT:]

    def text(self):
        """The text that is kept; bytes that are not UTF-8 are shown as escapes."""
        left_out = self.size - len(self.head) - len(self.tail)
        gap = f"\n[... {left_out} bytes left out ...]\n".encode() if left_out else b""
        return (self.head + gap + self.tail).decode("utf-8", "backslashreplace")

    def whole_lines(self):
        """The lines of the text that are kept whole, and an empty one where others were."""
        head = self.head[: self.head.rfind(b"\n") + 1]
        tail = self.tail[self.tail.find(b"\n") + 1 :] if b"\n" in self.tail else b""
        return (head + b"\n" + tail).decode("utf-8", "backslashreplace")

    @property
    def is_cut(self):
        """Whether there is more than was kept."""
        return self.size > len(self.head) + len(self.tail)

    def facts(self):
        """What identifies the whole output."""
        facts = {"bytes": self.size, "sha256": self.digest.hexdigest(), "truncated": self.is_cut}
        try:
            bytes(self.head + self.tail).decode("utf-8")
        except UnicodeDecodeError:
            if not self.is_cut:
                facts["escaped"] = True  # bytes that are no text stand in it as escapes
        return facts


def main(arguments):
    """Run the command that `arguments` name, answer as ansible.builtin.command does, and exit."""
    _use_a_locale_that_is_there()
    params = _params(arguments)
    if not arguments.get("_ansible_no_log"):  # Ansible puts the facility that is asked for in place of LOG_USER
        shown = re.sub(r":[^\s:@]+@", ":********@", str(params))
        syslog.syslog(syslog.LOG_USER | syslog.LOG_INFO, f"ansible.legacy.command: {shown}")
    _leave_an_unreadable_directory()
    command = _command(params)
    empty = {"changed": False, "cmd": command, "stdout": "", "stderr": "", "msg": ""}
    answer = {**empty, **dict.fromkeys(("rc", "start", "end", "delta"))}
    try:
        os.chdir(params["chdir"] or ".")
    except OSError as error:
        message = f"Unable to change directory before execution: {error.filename}: {error.strerror}"
        _end(dict(answer, rc=257, msg=message))
    answer.update(_instead(params, is_check=arguments.get("_ansible_check_mode")))
    if not answer["msg"]:
        answer.update(_run(params, command))
    _end({**answer, "msg": answer["msg"] or ("non-zero return code" if answer["rc"] else "")})


def _end(answer):
    failed = {"failed": True} if answer.get("rc") != 0 else {}
    print(json.dumps({**answer, **failed}))  # noqa: T201 - Ansible reads it there
    sys.exit(1 if failed else 0)


def _params(arguments):
    """Every parameter with a value of its type: the arguments may have been written as texts."""
    given = {name: value for name, value in arguments.items() if not name.startswith("_ansible_")}
    if unknown := sorted(given.keys() - DEFAULTS.keys()):
        _end({"msg": f"Unsupported parameters: {', '.join(unknown)}. Supported are: {', '.join(DEFAULTS)}."})
    given = {name: _typed(name, value) for name, value in given.items() if value is not None}
    ways = given.keys() & set(WAYS)
    if not ways:
        _end({"msg": f"one of the following is required: {', '.join(WAYS)}"})
    if len(ways) > 1:
        _end({"msg": f"parameters are mutually exclusive: {'|'.join(WAYS)}"})
    return {**DEFAULTS, **given}


def _typed(name, value):
    if name == "argv":
        words = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
        return ["" if word is None else str(word) for word in words]  # as Ansible's own module has it
    if isinstance(DEFAULTS[name], bool):
        word = str(value).lower().strip()
        return word in YES if word in YES + NO else _end({"msg": f"{name} is {value!r} and must be yes or no"})
    return os.path.expanduser(os.path.expandvars(str(value))) if name in PATHS else str(value)


def _use_a_locale_that_is_there():
    """Many a program complains about a locale that is not, which ssh may have passed on from elsewhere."""
    try:
        locale.setlocale(locale.LC_ALL, "")
    except locale.Error:
        for name in ("C.UTF-8", "en_US.UTF-8", "C"):
            with contextlib.suppress(locale.Error):
                locale.setlocale(locale.LC_ALL, name)
                os.environ.update(dict.fromkeys(("LANG", "LC_ALL", "LC_MESSAGES"), name))
                return


def _leave_an_unreadable_directory():
    """Who became another user may stand in the home of the first."""
    for path in (".", os.path.expanduser("~"), "/"):
        with contextlib.suppress(OSError):
            os.chdir(path)
            os.listdir(os.getcwd())
            return


def _command(params):
    """What is to be run, as it was given: one text for a shell, else words."""
    text = params["_raw_params"] or params["cmd"]
    try:
        words = shlex.split(text) if text and not params["_uses_shell"] else text
    except ValueError as error:
        _end({"rc": 256, "msg": f"the command cannot be taken apart into words: {error}"})
    return words or params["argv"] or _end({"rc": 256, "msg": "no command given"})


def _instead(params, *, is_check):
    """What is answered in place of the command's own answer, when it is not to be run."""
    run = "Would not run" if is_check else "Did not run"
    for option, exists, reason in (("creates", True, "exists"), ("removes", False, "does not exist")):
        path = params[option]
        if path and bool(glob.glob(path)) is exists:
            answer = {"msg": f"{run} command since '{path}' {reason}", "stdout": f"skipped, since {path} {reason}"}
            return dict(answer, rc=0)
    if is_check:
        # Where the answer depends on a file, this is a prediction and not a refusal to make one.
        predicts = any(params[option] is not None for option in ("creates", "removes"))
        answer = {"changed": True} if predicts else {"skipped": True}
        return dict(answer, rc=0, msg="Command would have run if not in check mode")
    return {}


def _words(params, command):
    """What is passed to the system: a text with the shell that reads it, else words."""
    if params["_uses_shell"]:
        text = command if isinstance(command, str) else " ".join(map(shlex.quote, command))
        return text, params["executable"] or "/bin/sh"
    if params["expand_argument_vars"]:
        return [os.path.expanduser(os.path.expandvars(word)) for word in command], None
    return command, None


def _run(params, command):
    started = dt.datetime.now()
    words, shell = _words(params, command)
    _adopt_orphans()
    start = time.monotonic()
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    if params["stdin"] is None:
        pipes["stdin"] = subprocess.DEVNULL
    try:
        process = subprocess.Popen(words, shell=bool(shell), executable=shell, **pipes)
    except OSError as error:
        code = 127 if error.errno == errno.ENOENT else 126
        return {"rc": code, "msg": f"[Errno {error.errno}] {error.strerror}: {error.filename}"}
    captures = [Capture(process.stdout), Capture(process.stderr)]
    for capture in captures:
        capture.start()
    if params["stdin"] is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin:  # it need not read what it is given
            process.stdin.write((params["stdin"] + "\n" * params["stdin_add_newline"]).encode())
    code = process.wait()
    if code in (124, -signal.SIGKILL) and time.monotonic() - start >= _limit(words):
        _end_children()
    # A background process may keep the pipes open for ever: what the command itself printed is complete by now.
    deadline = time.monotonic() + PATIENCE
    for capture in captures:
        capture.join(timeout=max(0, deadline - time.monotonic()))
    ended = dt.datetime.now()
    ends = "\r\n" if params["strip_empty_ends"] else ""
    return {
        "changed": True,
        "rc": code,
        "stdout": captures[0].text().rstrip(ends),
        "stderr": captures[1].text().rstrip(ends),
        "output": {"stdout": captures[0].facts(), "stderr": captures[1].facts()},
        **({"whole_lines": captures[0].whole_lines()} if captures[0].is_cut else {}),
        "start": str(started),
        "end": str(ended),
        "delta": str(ended - started),
    }


def _adopt_orphans():
    """Let what the command starts stay below this process for as long as it runs, whatever session it goes to."""
    with contextlib.suppress(ImportError, AttributeError, OSError):  # only Linux can, and not every Python there
        import ctypes  # noqa: PLC0415

        ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _limit(words):
    """The seconds that coreutils' timeout gives the command, if it runs under that."""
    with contextlib.suppress(ValueError):
        return float(words[2].rstrip("s") if words[:1] == ["timeout"] else "inf")
    return float("inf")


def _end_children():
    """Ask all that descends from this process to stop, and kill what does not."""
    _signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while _descendants() and time.monotonic() < deadline:
        time.sleep(0.02)
    while _signal(signal.SIGKILL) and time.monotonic() < deadline + GRACE:
        time.sleep(0.02)


def _signal(number):
    """Send that signal to all that descends from this process; whether there was any."""
    for child in (children := _descendants()):
        with contextlib.suppress(OSError):
            os.kill(child, number)
    return bool(children)


def _descendants():
    """The living processes that descend from this one."""
    parents = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            state, parent = file.read().rpartition(b")")[2].split()[:2]
            if state != b"Z":
                parents[int(path.split("/")[2])] = int(parent)
    family = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family - {os.getpid()}


if __name__ == "__main__":
    main(json.loads(ARGUMENTS))
