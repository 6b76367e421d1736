# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one Python on a host does for as long as a run goes on there: each request is a command, done in a fork of it.

The controller sends this file before the first request. A line in is `{"id", "arguments", "environment"}`; a line out
is `{"id", "rc", "stdout", "stderr"}` of the module that was asked, each byte as the character of that number; or
`{"id", "stale"}` where nothing was done, as whoever logs in now may be given something else than this Python was.
`MODULE` is the source of the module, of which `main(arguments)` prints the answer and exits.
"""

import contextlib
import json
import os
import pwd
import select
import sys
import traceback

CHUNK = 65536
MOST = 67_108_864
READY = "runbook-host-python-is-ready"
SETTINGS = (
    *("passwd", "group", "shadow", "sudoers", "sudoers.d", "sudo.conf", "login.defs", "pam.d", "security"),
    *("security/limits.d", "environment", "default/locale", "locale.conf", "profile", "profile.d", "bash.bashrc"),
    *("zshenv", "zsh/zshenv", "zsh/zprofile", "zsh/zlogin", "csh.cshrc", "csh.login", "ssh/sshrc"),
)
OWN_SETTINGS = (
    *(".profile", ".bash_profile", ".bash_login", ".bashrc", ".zshenv", ".zprofile", ".zlogin", ".login", ".cshrc"),
    *(".tcshrc", ".config/fish/config.fish", ".pam_environment", ".ssh/environment", ".ssh/rc"),
)


def login():
    """What a login is made of: who the user is, in which groups, and the files that say what a session is given."""
    home = os.path.expanduser("~")
    paths = [*(os.path.join("/etc", name) for name in SETTINGS), *(os.path.join(home, name) for name in OWN_SETTINGS)]
    found = {}
    for path in paths:
        with contextlib.suppress(OSError):
            found[path] = version(os.stat(path))
            found.update((each.path, version(each.stat())) for each in os.scandir(path))
    with contextlib.suppress(KeyError, OSError):
        user = pwd.getpwuid(os.getuid())
        found["groups"] = (user.pw_name, *sorted(os.getgrouplist(user.pw_name, user.pw_gid)))
    return found


def version(stat):
    """What differs once a file has been written, or another one has taken its place."""
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


class AnsweredRequest:
    """A request that is being done: the process that does it, and what it has printed so far."""

    def __init__(self, request, module):
        self.number = request["id"]
        self.printed = {}
        ends = {name: os.pipe() for name in ("stdout", "stderr")}
        self.process = os.fork()
        if not self.process:
            do(request, module, ends["stdout"][1], ends["stderr"][1])
        for name, (reading, writing) in ends.items():
            os.close(writing)
            self.printed[reading] = (name, bytearray())

    def read(self, pipe):
        """Take what has come from that pipe; whether that was its end."""
        chunk = os.read(pipe, CHUNK)
        printed = self.printed[pipe][1]
        printed.extend(chunk[: max(0, MOST - len(printed))])
        return not chunk

    def answer(self):
        """What the controller is told once all its pipes are closed; an exit code is one as a shell gives it."""
        status = os.waitpid(self.process, 0)[1]
        code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        texts = {name: text.decode("latin-1") for name, text in self.printed.values()}
        return dict(texts, id=self.number, rc=code)


def do(request, module, stdout, stderr):
    """Be the module, in a session of its own, as if this Python had been started for it alone."""
    code = 1
    try:
        os.setsid()
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        os.closerange(3, 4096)
        os.environ.update(request["environment"])
        module["main"](request["arguments"])
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def serve(source):
    """Answer requests until nobody is there to ask any more."""
    module = {"__name__": "command"}
    exec(compile(source, "command.py", "exec"), module)  # noqa: S102 - our own module, sent by the controller
    with contextlib.suppress(ImportError):
        import ctypes  # noqa: F401, PLC0415 - the module wants it, and need not look for it in each fork
    given = login()
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nothing, stream)
    write(answers, READY)
    doing, begun, poll = {}, b"", select.poll()
    poll.register(requests, select.POLLIN)
    while True:
        for pipe, _ in poll.poll():
            if pipe != requests:
                if doing[pipe].read(pipe):
                    end(pipe, doing, poll, answers)
                continue
            chunk = os.read(requests, CHUNK)
            if not chunk:
                os._exit(0)
            *lines, begun = (begun + chunk).split(b"\n")
            for line in lines:
                request = json.loads(line.decode())
                if login() == given:
                    begin(request, module, doing, poll)
                else:
                    write(answers, json.dumps({"id": request["id"], "stale": True}))


def begin(request, module, doing, poll):
    """Do the request in a process of its own."""
    started = AnsweredRequest(request, module)
    for pipe in started.printed:
        doing[pipe] = started
        poll.register(pipe, select.POLLIN)


def end(pipe, doing, poll, answers):
    """One of its pipes is closed; the answer follows the last of them."""
    poll.unregister(pipe)
    os.close(pipe)
    request = doing.pop(pipe)
    if request not in doing.values():
        write(answers, json.dumps(request.answer()))


def write(stream, line):
    """All of the line, whatever a pipe takes at a time."""
    rest = line.encode() + b"\n"
    while rest:
        rest = rest[os.write(stream, rest) :]


serve(globals()["MODULE"])  # the controller puts it before this file
