# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forks in which a Python on a host does modules, so that nothing of one is there for the next.

To fork anew for each would take longer than most commands do: one fork does our own module again and again, as if it
had just been started for it. A module of Ansible's may change what it likes in its fork, which does it alone.
"""

import atexit
import io
import json
import os
import sys

CHUNK = 65536
MOST = 67_108_864
STAYS, ENDS = "+", "-"
KEPT: list[int] = []
"""The files of modules of Ansible's, which a fork of theirs reads."""


class AnsweredRequest:
    """A request that is being done by a fork of its own, and what that has printed so far."""

    def __init__(self, request, main):
        self.number, self.printed = request["id"], {}
        ends = {name: os.pipe() for name in ("stdout", "stderr")}
        self.process = os.fork()
        if not self.process:
            do(request, main, ends["stdout"][1], ends["stderr"][1])
        for name, (reading, writing) in ends.items():
            os.close(writing)
            self.printed[reading] = (name, bytearray())
        self.pipes = {*self.printed}

    def read(self, pipe):
        """Take what has come from that pipe: the answer, once all its pipes are closed, and whether this one is."""
        chunk = os.read(pipe, CHUNK)
        printed = self.printed[pipe][1]
        printed.extend(chunk[: max(0, MOST - len(printed))])
        if chunk:
            return "", False
        self.pipes.discard(pipe)
        return ("" if self.pipes else self.answer()), True

    def answer(self):
        """What the controller is told."""
        texts = {name: text.decode("latin-1") for name, text in self.printed.values()}
        return json.dumps(dict(texts, id=self.number, rc=exit_code(self.process)))


class CommandWorker:
    """A fork that does our own module for one request after the other; `is_free` while it waits for the next."""

    def __init__(self, main):
        orders, self.orders = os.pipe()
        self.answers, answers = os.pipe()
        self.process = os.fork()
        if not self.process:
            work(main, orders, answers)
        os.close(orders)
        os.close(answers)
        self.pipes, self.number, self.begun, self.is_free = {self.answers}, None, b"", True

    def begin(self, request):
        """Have it do the request; whether it can, and was not killed while it had nothing to do."""
        self.is_free = False
        try:
            write(self.orders, json.dumps(request))
        except BrokenPipeError:
            return False
        self.number = request["id"]
        return True

    def read(self, pipe):
        """Take what has come from it: the answer, once it is whole, and whether it has ended.

        One that was killed answers as a shell tells it.
        """
        chunk = os.read(pipe, CHUNK)
        self.begun += chunk
        if not chunk:
            os.close(self.orders)
            code, self.is_free = exit_code(self.process), False
            killed = {"id": self.number, "rc": code, "stdout": "", "stderr": ""}
            return ("" if self.number is None else json.dumps(killed)), True
        if not self.begun.endswith(b"\n"):
            return "", False
        line, self.begun, self.number = self.begun.decode(), b"", None
        self.is_free = line[0] == STAYS
        return line[1:-1], False


def exit_code(process):
    """That of a fork which has ended, as a shell gives it."""
    status = os.waitpid(process, 0)[1]
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def work(main, orders, answers):
    """Be a worker until nobody asks any more, or until something is left that a later request could meet.

    What a command has left running is below this process; a later one that takes too long must not end it.
    """
    try:
        os.setsid()
        for stream in (1, 2):
            os.dup2(0, stream)
        close_all_but(orders, answers)
        given, here = dict(os.environ), os.open(".", os.O_PATH)
        with os.fdopen(orders, "rb") as requests:
            for line in requests:
                answer = done(json.loads(line.decode()), main)
                stays = is_childless() and is_in(here)
                os.environ.clear()
                os.environ.update(given)
                write(answers, (STAYS if stays else ENDS) + json.dumps(answer))
                if not stays:
                    break
    finally:
        os._exit(0)


def done(request, main):
    """What the module prints, and what it exits with, done in this process."""
    streams = {name: io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for name in ("stdout", "stderr")}
    sys.stdout, sys.stderr = streams.values()
    code = run(request, main)
    texts = {name: stream.buffer.getvalue().decode("latin-1") for name, stream in streams.items()}
    return dict(texts, id=request["id"], rc=code)


def is_childless():
    """Whether nothing that this process has started, or has been given, still runs."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


def is_in(directory):
    """Whether this process is in that directory again."""
    try:
        os.fchdir(directory)
    except OSError:
        return False
    return True


def do(request, main, stdout, stderr):
    """Be the module, in a session of its own, as if this Python had been started for it alone."""
    code = 1
    try:
        os.setsid()
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        close_all_but(*KEPT)
        code = run(request, main)
    finally:
        try:
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def close_all_but(*kept):
    """Close what a fork has of others, but for its standard streams and those files."""
    first = 3
    for each in (*sorted(kept), 4096):
        os.closerange(first, each)
        first = each + 1


def run(request, main):
    """Do the module here; its exit code."""
    code = 1
    try:
        if "directory" in request:
            os.chdir(request["directory"])
        os.environ.update(request["environment"])
        main(request["arguments"])
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        import traceback  # noqa: PLC0415 - to import it takes longer than most commands

        traceback.print_exc()
    return code


def write(stream, line):
    """All of the line, whatever a pipe takes at a time."""
    rest = line.encode() + b"\n"
    while rest:
        rest = rest[os.write(stream, rest) :]
