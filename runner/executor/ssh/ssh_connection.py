"""A connection to a host, made directly or on the way that its settings name, up to the point where both speak SSH."""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence

from paramiko import Transport
from paramiko.ssh_exception import IncompatiblePeer, SSHException

from runner.executor.host_check import NotCheckedError, UnfitError, last_lines
from runner.executor.ssh.program_output import read_within
from runner.executor.ssh.ssh_settings import Settings

_ERROR_TIMEOUT = 0.5
"""Seconds in which a program that could not make the connection says why."""


class _NoGreetingError(Exception):
    """Whatever is at the other end has not said that it is an sshd."""


@contextlib.contextmanager
def connected(settings: Settings, environ: Mapping[str, str]) -> Iterator[socket.socket]:
    """A connection to the host, directly or as its settings say."""
    proxy = settings.proxy
    with _through(proxy, settings, environ) if proxy else contextlib.closing(_directly(settings)) as connection:
        yield connection


def _directly(settings: Settings) -> socket.socket:
    try:
        return socket.create_connection((settings.address, settings.port), timeout=settings.timeout)
    except socket.gaierror as error:
        raise UnfitError(
            f"its name is not known: {error.strerror}", hint="look at ansible_host, and at the name server"
        ) from None
    except TimeoutError:
        raise UnfitError(
            f"no answer within {settings.timeout:g} s", hint="is it on, and does a firewall let us through?"
        ) from None
    except OSError as error:
        hint = "is sshd running there, and is it this port?" if isinstance(error, ConnectionRefusedError) else ""
        hint = hint or "look at the network between here and there"
        raise UnfitError(f"no connection: {error.strerror or error}", hint=hint) from None


@contextlib.contextmanager
def _through(proxy: Sequence[str] | str, settings: Settings, environ: Mapping[str, str]) -> Iterator[socket.socket]:
    """A connection through a program, which is ended with it."""
    ours, theirs = socket.socketpair()
    argv = ["/bin/sh", "-c", f"exec {proxy}"] if isinstance(proxy, str) else list(proxy)
    with ours, theirs:
        try:
            program = subprocess.Popen(
                argv,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                env=dict(environ),
                start_new_session=True,
            )
        except OSError as error:
            raise NotCheckedError(f"{argv[0]} cannot be started: {error.strerror}") from None
        theirs.close()
        errors = program.stderr
        assert errors  # noqa: S101 - it was asked for
        ours.settimeout(settings.timeout)
        try:
            yield ours
        except _NoGreetingError:
            if settings.facts.password:
                raise NotCheckedError("the way to it may want a password") from None
            said, _ = read_within(errors, _ERROR_TIMEOUT)
            raise UnfitError(
                f"no way to it: {last_lines(said, lines=2)}",
                hint="look at the ProxyJump or ProxyCommand of this host: ssh -v says where it stops",
            ) from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.communicate()


def greet(transport: Transport, settings: Settings, kinds: Sequence[str]) -> None:
    """Agree on a language; of the keys that the host has, one of the `kinds` that are known is asked for first."""
    options = transport.get_security_options()
    preferred = [name for kind in kinds for name in _signed_by(kind) if name in options.key_types]
    options.key_types = tuple(dict.fromkeys([*preferred, *options.key_types]))
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = settings.timeout
    try:
        transport.start_client(timeout=settings.timeout)
        if not transport.initial_kex_done:  # where its time is up, it just returns
            raise TimeoutError(f"no word within {settings.timeout:g} s")
    except IncompatiblePeer as error:
        raise NotCheckedError(f"it speaks what is not understood here: {error}") from None
    except (SSHException, OSError, EOFError) as error:
        if transport.remote_version:
            raise NotCheckedError(f"it greets as sshd does, and then says what is not understood: {error}") from None
        if settings.proxy:
            raise _NoGreetingError from None
        raise UnfitError(
            f"it takes connections, but does not answer as sshd would ({error})",
            hint="is it this port? sshd that is overloaded (MaxStartups) or blocked by tcp wrappers hangs up so, too",
        ) from None


def _signed_by(kind: str) -> tuple[str, ...]:
    return ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa") if kind == "ssh-rsa" else (kind,)
