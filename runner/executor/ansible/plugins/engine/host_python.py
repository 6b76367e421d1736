# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one Python on a host does for as long as a run goes on there: each request is a command, done in a fork of it.

The controller sends this file before the first request. A line in is `{"id", "arguments", "environment"}`, with the
`directory` to be in where it is another one; a line out is `{"id", "rc", "stdout", "stderr"}` of the module that was
asked, each byte as the character of that number; or `{"id", "stale"}` where nothing was done, as whoever logs in now
may be given something else than this Python was. `SOURCES` are those of host_forks.py and of our own module, `command`,
of which `main(arguments)` prints the answer and exits.

A request that names a `module` is one to a module of Ansible's, which a line `{"learn", "profile", "packed"}` before it
has brought; where that cannot be imported here, the answer is `{"id", "unknown"}`, and nothing was done.
"""

import contextlib
import importlib
import json
import os
import pwd
import select
import sys
from binascii import a2b_base64

for name, text in globals()["SOURCES"].items():
    sys.modules[name] = type(sys)(name)
    exec(compile(text, f"{name}.py", "exec"), vars(sys.modules[name]))  # noqa: S102 - ours, from the controller

from command import main  # noqa: E402 - it has just been made
from host_forks import CHUNK, KEPT, AnsweredRequest, CommandWorker, write  # noqa: E402

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


def learned(lesson):
    """What does the module of Ansible's in a fork, imported here with all that it imports; None where that fails.

    It is packed as Ansible packs it, into an archive, which stays in memory.
    """
    name, profile = lesson["learn"], lesson["profile"]
    with contextlib.suppress(Exception, SystemExit):
        KEPT[:] = [os.memfd_create("module")]
        with open(KEPT[0], "wb", closefd=False) as file:
            file.write(a2b_base64(lesson["packed"]))
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
                    self.hear(pipe)
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
            self.tell(id=request["id"], stale=True)
        elif "module" not in request:
            while not self.worker().begin(request):
                pass
        elif main := self.mains[request["module"]]:
            self.listen(AnsweredRequest(request, main))
        else:
            self.tell(id=request["id"], unknown=True)

    def worker(self):
        """One that has nothing to do."""
        free = (each for each in self.doing.values() if isinstance(each, CommandWorker) and each.is_free)
        return next(free, None) or self.listen(CommandWorker(self.mains[""]))

    def listen(self, fork):
        """Listen to what a new fork tells."""
        for pipe in fork.pipes:
            self.doing[pipe] = fork
            self.poll.register(pipe, select.POLLIN)
        return fork

    def hear(self, pipe):
        """Take what comes from a fork, and tell the controller what has been done."""
        answer, is_closed = self.doing[pipe].read(pipe)
        if is_closed:
            self.poll.unregister(pipe)
            os.close(pipe)
            del self.doing[pipe]
        if answer:
            write(self.answers, answer)

    def tell(self, **told):
        """Tell the controller that nothing is done."""
        write(self.answers, json.dumps(told))


with contextlib.suppress(ImportError):
    import ctypes  # noqa: F401 - the module wants it, and need not look for it in each fork
Server(main).serve()
