# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's command module with bounded output: head and tail are kept, with the size and SHA-256 of the whole."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import glob
import hashlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import time

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: command
short_description: runs a command and keeps a bounded part of what it prints
description:
  - Takes what ansible.builtin.command takes, and answers as it does.
  - What was cut says so, and gives the lines of the output that are kept whole as C(whole_lines).
  - A gigabyte of output, or bytes that are no text, neither exhaust the memory of the controller nor fail the command.
  - What ran out of the time that coreutils' timeout gave it is ended with all that it has started, also in a session of
    its own; what has ended in time leaves behind what it likes.
  - What could not be started says why, and has the exit code that a shell gives it, 126 or 127, or 257 when there is no
    such directory, so that no verification of an exit code takes it for the command's own.
"""

KEPT = 65_536
CHUNK = 65_536
PATIENCE = 1.0
GRACE = 0.5
SET_CHILD_SUBREAPER = 36
OUT_OF_TIME = (124, -signal.SIGKILL)


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


def main():
    """Run the command and answer as ansible.builtin.command does."""
    module = AnsibleModule(
        argument_spec={
            "_raw_params": {},
            "_uses_shell": {"type": "bool", "default": False},
            "cmd": {},
            "argv": {"type": "list", "elements": "str"},
            "chdir": {"type": "path"},
            "executable": {},
            "expand_argument_vars": {"type": "bool", "default": True},
            "creates": {"type": "path"},
            "removes": {"type": "path"},
            "stdin": {},
            "stdin_add_newline": {"type": "bool", "default": True},
            "strip_empty_ends": {"type": "bool", "default": True},
        },
        required_one_of=[["_raw_params", "cmd", "argv"]],
        mutually_exclusive=[["_raw_params", "cmd", "argv"]],
        supports_check_mode=True,
    )
    command = _command(module)
    answer = {"changed": False, "cmd": command, "rc": None, "stdout": "", "stderr": "", "msg": ""}
    answer.update(dict.fromkeys(("start", "end", "delta")))
    try:
        os.chdir(module.params["chdir"] or ".")
    except OSError as error:
        message = f"Unable to change directory before execution: {error.filename}: {error.strerror}"
        module.fail_json(**dict(answer, rc=257, msg=message))
    answer.update(_instead(module))
    if not answer["msg"]:
        answer.update(_run(module, command))
    if answer["rc"] != 0:
        module.fail_json(**dict(answer, msg=answer["msg"] or "non-zero return code"))
    module.exit_json(**answer)


def _command(module):
    """What is to be run, as it was given: one text for a shell, else words."""
    text = module.params["_raw_params"] or module.params["cmd"]
    if text and not module.params["_uses_shell"]:
        text = shlex.split(text)
    command = text or module.params["argv"]
    if not command:
        module.fail_json(rc=256, msg="no command given")
    return command


def _instead(module):
    """What is answered in place of the command's own answer, when it is not to be run."""
    run = "Would not run" if module.check_mode else "Did not run"
    for option, exists, reason in (("creates", True, "exists"), ("removes", False, "does not exist")):
        path = module.params[option]
        if path and bool(glob.glob(path)) is exists:
            answer = {"msg": f"{run} command since '{path}' {reason}", "stdout": f"skipped, since {path} {reason}"}
            return dict(answer, rc=0)
    if module.check_mode:
        # Where the answer depends on a file, this is a prediction and not a refusal to make one.
        predicts = any(module.params[option] is not None for option in ("creates", "removes"))
        answer = {"changed": True} if predicts else {"skipped": True}
        return dict(answer, rc=0, msg="Command would have run if not in check mode")
    return {}


def _words(module, command):
    """What is passed to the system: a text with the shell that reads it, else words."""
    if module.params["_uses_shell"]:
        text = command if isinstance(command, str) else " ".join(map(shlex.quote, command))
        return text, module.params["executable"] or "/bin/sh"
    if module.params["expand_argument_vars"]:
        return [os.path.expanduser(os.path.expandvars(word)) for word in command], None
    return command, None


def _run(module, command):
    params, started = module.params, dt.datetime.now()
    words, shell = _words(module, command)
    _adopt_orphans()
    start = time.monotonic()
    data = params["stdin"]
    if data is not None and params["stdin_add_newline"]:
        data += "\n"
    try:
        process = subprocess.Popen(
            words,
            shell=bool(shell),
            executable=shell,
            stdin=subprocess.PIPE if data is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        return {
            "rc": 127 if error.errno == errno.ENOENT else 126,
            "msg": f"[Errno {error.errno}] {error.strerror}: {error.filename}",
        }
    captures = [Capture(process.stdout), Capture(process.stderr)]
    for capture in captures:
        capture.start()
    _feed(process, data)
    code = process.wait()
    if code in OUT_OF_TIME and time.monotonic() - start >= _limit(words):
        _end_children()
    # A background process may keep the pipes open for ever: what the command itself printed is complete by now.
    deadline = time.monotonic() + PATIENCE
    for capture in captures:
        capture.join(timeout=max(0, deadline - time.monotonic()))
    ended = dt.datetime.now()
    out, err = (capture.text() for capture in captures)
    strip = params["strip_empty_ends"]
    return {
        "changed": True,
        "rc": code,
        "stdout": out.rstrip("\r\n") if strip else out,
        "stderr": err.rstrip("\r\n") if strip else err,
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
        if words[:1] == ["timeout"]:
            return float(words[2].rstrip("s"))
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
    children = _descendants()
    for child in children:
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


def _feed(process, data):
    if data is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin:  # it need not read what it is given
            process.stdin.write(data.encode())


if __name__ == "__main__":
    # Who is asked to stop still tidies up: what Ansible unpacked for this module is removed on the way out.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    main()
