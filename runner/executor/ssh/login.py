"""Whether a host lets us in, tried with the keys that OpenSSH would offer, in its order; no password is ever sent."""

import base64
import contextlib
import logging
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from paramiko import PKey, Transport
from paramiko.agent import AgentKey, AgentSSH
from paramiko.ssh_exception import (
    AuthenticationException,
    BadAuthenticationType,
    PasswordRequiredException,
    SSHException,
)

from runner.core.deferred import dataclass
from runner.executor.host_check import NotCheckedError, UnfitError
from runner.executor.ssh.ssh_settings import Settings

# What paramiko would say of a host that hangs up would otherwise be printed, with a traceback.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

_TIMEOUT = 5.0
"""Seconds for the agent."""

_OTHERWISE = {"gssapi-with-mic": "gssapiauthentication", "hostbased": "hostbasedauthentication"}
"""Ways to log in that are not tried here, and the option that switches each on."""


@dataclass
class _Offer:
    """What there is to offer: `refused` and `unusable` say what became of it, `unknown` what cannot be judged here."""

    refused: list[str] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def log_in(transport: Transport, settings: Settings, environ: Mapping[str, str]) -> None:
    """Log in.

    Raises:
        UnfitError: nobody would get in with these settings.
        NotCheckedError: it depends on something that is not tried here: a password, a token, a ticket.
    """
    takes = _takes(transport, settings)
    if takes is None:
        return
    offer = _Offer()
    if "publickey" in takes and settings.says("pubkeyauthentication", default=True):
        for name, key in _keys(settings, environ, offer):
            if _is_let_in(transport, settings, name, key, offer):
                return
    _judge(settings, takes, offer)


def _takes(transport: Transport, settings: Settings) -> list[str] | None:
    """The ways to log in that the host takes; None when it wants none at all."""
    try:
        transport.auth_none(settings.user)
    except BadAuthenticationType as error:
        return list(error.allowed_types)
    except AuthenticationException as error:
        raise NotCheckedError(f"it does not say how one logs in: {error}") from None
    return None


def _is_let_in(transport: Transport, settings: Settings, name: str, key: PKey, offer: _Offer) -> bool:
    try:
        more = transport.auth_publickey(settings.user, key)
    except AuthenticationException:
        offer.refused.append(name)
        if not transport.is_active():
            raise NotCheckedError(f"it hung up after {len(offer.refused)} keys") from None
        return False
    except (SSHException, EOFError) as error:
        raise NotCheckedError(f"it hung up while {name} was offered: {error}") from None
    if more:
        raise NotCheckedError(f"after a key it asks for {' or '.join(more)}")
    return True


def _judge(settings: Settings, takes: list[str], offer: _Offer) -> None:
    """Say why nobody gets in, unless something else than what was tried would."""
    if settings.facts.password and {"password", "keyboard-interactive"} & set(takes):
        raise NotCheckedError("it logs in with a password")
    if settings.facts.inline_key:
        raise NotCheckedError("it logs in with a key that stands in the inventory")
    if other := [way for way, option in _OTHERWISE.items() if way in takes and settings.says(option)]:
        raise NotCheckedError(f"it may log in by {' or '.join(other)}")
    if offer.unknown:
        raise NotCheckedError(f"not tried: {'; '.join(offer.unknown)}")
    offered = ", ".join(offer.refused) or "no key"
    unusable = f"; {'; '.join(offer.unusable)}" if offer.unusable else ""
    raise UnfitError(
        f"it does not let {settings.user} in: offered {offered}{unusable}; it takes {', '.join(takes)}",
        hint=f"put the public key into ~/.ssh/authorized_keys of {settings.user} there, or name another user or key "
        "(ansible_user, ansible_ssh_private_key_file, ssh-add)",
    )


def _keys(settings: Settings, environ: Mapping[str, str], offer: _Offer) -> Iterator[tuple[str, PKey]]:
    """The keys that OpenSSH would offer: those of files that the agent holds, the agent's others, the other files'."""
    if settings.first("pkcs11provider", "none") != "none":
        offer.unknown.append("a key on a token (PKCS11Provider)")
    files = list(_files(settings, offer))
    with contextlib.closing(_Agent()) as agent:
        agent.open(_agent_path(settings, environ))
        of_agent = {key.asbytes(): key for key in agent.get_keys()}
        of_files = {public: path for path in files if (public := _public(path))}
        mine = [public for public in of_files if public in of_agent]
        others = [] if settings.says("identitiesonly") else [public for public in of_agent if public not in of_files]
        for public in (*mine, *others):
            key = of_agent[public]
            if key.get_name().startswith("sk-"):
                offer.unknown.append(f"{key.get_name()} of the agent, which wants to be touched")
            else:
                yield f"{key.get_name()} {key.comment or ''} of the agent".replace("  ", " "), key
        offered = {of_files[public] for public in mine}
        for path in files:
            if path not in offered and (loaded := _load(path, offer)):
                yield str(path), loaded


def _files(settings: Settings, offer: _Offer) -> Iterator[Path]:
    """The files that hold identities, as far as they are there."""
    for name in settings.options.get("identityfile", ()):
        try:
            path = Path(settings.expand(name)).expanduser()
        except NotCheckedError as error:
            offer.unknown.append(str(error))
            continue
        if path.exists() or path.with_name(f"{path.name}.pub").exists():
            yield path
        elif name == settings.facts.private_key_file:
            offer.unusable.append(f"{path} is not there")
    if settings.options.get("certificatefile"):
        offer.unknown.append("the certificates that CertificateFile names")


def _public(path: Path) -> bytes | None:
    """The public key beside `path`, which tells whether the agent holds it."""
    beside = path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")
    try:
        words = beside.read_text(encoding="utf-8").split()
        return base64.b64decode(words[1])
    except (OSError, ValueError, LookupError):
        return None


def _load(path: Path, offer: _Offer) -> PKey | None:
    """The private key in `path`, if OpenSSH would use it without asking anybody."""
    try:
        status = path.stat()
        if status.st_uid == os.getuid() and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            offer.unusable.append(f"{path} can be read by others, so ssh ignores it (chmod 600)")
            return None
        return PKey.from_path(path)
    except FileNotFoundError:
        return None  # only its public half is here, for an agent
    except PermissionError:
        offer.unusable.append(f"{path} cannot be read")
    except (PasswordRequiredException, TypeError):
        offer.unusable.append(f"{path} needs a passphrase, and no agent holds it (ssh-add)")
    except (OSError, SSHException, ValueError, UnsupportedAlgorithm) as error:
        offer.unknown.append(f"{path}: {type(error).__name__}")
    return None


def _agent_path(settings: Settings, environ: Mapping[str, str]) -> str:
    path = settings.first("identityagent", "SSH_AUTH_SOCK")
    if path == "none":
        return ""
    if path.startswith("$") or path == "SSH_AUTH_SOCK":
        return environ.get(path.removeprefix("$").strip("{}"), "")
    return str(Path(path).expanduser())


class _Agent(AgentSSH):
    """The agent at a path; none has no keys. paramiko's own looks into the environment of this process only."""

    def __init__(self) -> None:
        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX)

    def open(self, path: str) -> None:
        if path:
            with contextlib.suppress(OSError, SSHException):
                self._socket.settimeout(_TIMEOUT)
                self._socket.connect(path)
                self._connect(self._socket)  # type: ignore[attr-defined]  # the stubs leave it out

    def get_keys(self) -> tuple[AgentKey, ...]:
        return tuple(super().get_keys())

    def close(self) -> None:
        self._socket.close()
