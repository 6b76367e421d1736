# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one Python on a host does for as long as a run goes on there: each request is a command, done in a fork of it.

The controller sends this file before the first request. A line in is `{"id", "arguments", "environment"}`, with the
`directory` to be in where it is another one; a line out is `{"id", "rc", "stdout", "stderr"}` of the module that was
asked, each byte as the character of that number; or `{"id", "stale"}` where nothing was done, as whoever logs in now
may be given something else than this Python was. `MODULE` is the source of the module, of which `main(arguments)`
prints the answer and exits.

A request that names a `module` is one to a module of Ansible's, which a line `{"learn", "profile", "packed"}` before it
has brought; where that cannot be imported here, the answer is `{"id", "unknown"}`, and nothing was done.
"""

import atexit
import base64
import contextlib
import importlib
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
    *("nsswitch.conf", "resolv.conf", "host.conf", "gai.conf", "ssl", "pki/tls"),  # a Python reads them once
)
OWN_SETTINGS = (
    *(".profile", ".bash_profile", ".bash_login", ".bashrc", ".zshenv", ".zprofile", ".zlogin", ".login", ".cshrc"),
    *(".tcshrc", ".config/fish/config.fish", ".pam_environment", ".ssh/environment", ".ssh/rc"),
)


KEPT: list[int] = []


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

    def __init__(self, request, main):
        self.number = request["id"]
        self.printed = {}
        ends = {name: os.pipe() for name in ("stdout", "stderr")}
        self.process = os.fork()
        if not self.process:
            do(request, main, ends["stdout"][1], ends["stderr"][1])
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


def do(request, main, stdout, stderr):
    """Be the module, in a session of its own, as if this Python had been started for it alone."""
    code = 1
    try:
        os.setsid()
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        first = 3
        for kept in (*KEPT, 4096):
            os.closerange(first, kept)
            first = kept + 1
        if "directory" in request:
            os.chdir(request["directory"])
        os.environ.update(request["environment"])
        main(request["arguments"])
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def learned(lesson):
    """What does the module of Ansible's in a fork, imported here with all that it imports; None where that fails.

    It is packed as Ansible packs it, into an archive, which stays in memory.
    """
    name, profile = lesson["learn"], lesson["profile"]
    with contextlib.suppress(Exception, SystemExit):
        KEPT[:] = [os.memfd_create("module")]
        with open(KEPT[0], "wb", closefd=False) as file:
            file.write(base64.b64decode(lesson["packed"]))
        path = f"/proc/self/fd/{KEPT[0]}"
        sys.path[:] = [path, *(each for each in sys.path if each not in ("", "."))]
        found = importlib.import_module(name)
        from ansible.module_utils._internal._ansiballz import _loader  # noqa: PLC0415 - from that archive

        del sys.modules[name]  # it is run, and not imported

        def main(arguments):
            names = {"profile": profile, "module_fqn": name, "modlib_path": path, "extensions": {}}
            _loader.run_module(json_params=arguments.encode(), **names)

        if all(each.__file__.startswith(path) for each in (found, _loader)):  # and not of an Ansible that is there
            return main
    return None


class Server:
    """Answers requests until nobody is there to ask any more; `mains` do the modules, by their names."""

    def __init__(self, main):
        self.mains, self.given = {"": main}, login()
        self.requests, self.answers = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1):
            os.dup2(nothing, stream)
        self.doing, self.poll = {}, select.poll()
        self.poll.register(self.requests, select.POLLIN)

    def serve(self):
        """Take what comes, and answer what has been done."""
        write(self.answers, READY)
        begun = b""
        while True:
            for pipe, _ in self.poll.poll():
                if pipe != self.requests:
                    if self.doing[pipe].read(pipe):
                        self.end(pipe)
                    continue
                chunk = os.read(self.requests, CHUNK)
                if not chunk:
                    os._exit(0)
                *lines, begun = (begun + chunk).split(b"\n")
                for line in lines:
                    self.take(json.loads(line.decode()))

    def take(self, request):
        """Begin with the request, learn from it, or tell that nothing is done."""
        if "learn" in request:
            self.mains[request["learn"]] = learned(request)
        elif login() != self.given:
            self.answer(id=request["id"], stale=True)
        elif main := self.mains[request.get("module", "")]:
            started = AnsweredRequest(request, main)
            for pipe in started.printed:
                self.doing[pipe] = started
                self.poll.register(pipe, select.POLLIN)
        else:
            self.answer(id=request["id"], unknown=True)

    def end(self, pipe):
        """One of the pipes of a request is closed; the answer follows the last of them."""
        self.poll.unregister(pipe)
        os.close(pipe)
        request = self.doing.pop(pipe)
        if request not in self.doing.values():
            self.answer(**request.answer())

    def answer(self, **told):
        """Tell the controller that."""
        write(self.answers, json.dumps(told))


def write(stream, line):
    """All of the line, whatever a pipe takes at a time."""
    rest = line.encode() + b"\n"
    while rest:
        rest = rest[os.write(stream, rest) :]


module = {"__name__": "command"}
# Our own module, which the controller has put before this file.
exec(compile(globals()["MODULE"], "command.py", "exec"), module)  # noqa: S102
with contextlib.suppress(ImportError):
    import ctypes  # noqa: F401 - the module wants it, and need not look for it in each fork
Server(module["main"]).serve()
