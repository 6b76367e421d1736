"""Whether a host's key is the one that is known, judged as OpenSSH would with the same files and settings."""

import base64
import hashlib
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from runner.core.deferred import dataclass, regex
from runner.core.identifiers import is_loopback
from runner.executor.host_check import NotCheckedError, UnfitError
from runner.executor.ssh.ssh_settings import Settings

_PORT = 22
_TIMEOUT = 5.0
_LINE = regex(r"^(?:(@[a-z-]+) )?(\S+) (\S+) ([A-Za-z0-9+/=]+)")
_FOUND = regex(r"^# Host .* found: line ([0-9]+)")


@dataclass(frozen=True, slots=True)
class KnownHost:
    """A line of a file of known hosts: `marker` is `@revoked`, `@cert-authority` or empty.

    `ported` is whether it is written with the port; ssh accepts a key from one without, but misses none there.
    """

    marker: str
    kind: str
    key: str
    path: Path
    line: int
    ported: bool = True

    @property
    def words(self) -> str:
        """The key as people compare it, and where it is written."""
        return f"{self.kind} {fingerprint(self.key)} ({self.path}:{self.line})"


def fingerprint(key: str) -> str:
    """The fingerprint of a key, given in base64, as `ssh-keygen -l` prints it."""
    digest = hashlib.sha256(base64.b64decode(key)).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def known_hosts_of(settings: Settings, environ: Mapping[str, str]) -> list[KnownHost]:
    """What the files of known hosts say about the host.

    Raises:
        NotCheckedError: they cannot be asked.
    """
    known_hosts = list(_lines(settings, _name(settings), environ))
    if settings.port == _PORT or settings.first("hostkeyalias"):
        return known_hosts
    return [
        *known_hosts,
        *(replace(each, ported=False) for each in _lines(settings, settings.address.lower(), environ)),
    ]


def _name(settings: Settings) -> str:
    if alias := settings.first("hostkeyalias"):
        return alias
    address = settings.address.lower()
    return address if settings.port == _PORT else f"[{address}]:{settings.port}"


def _files(settings: Settings) -> list[Path]:
    """The files that are there; a name with a space in it is told like two names."""
    files = []
    for option in ("userknownhostsfile", "globalknownhostsfile"):
        whole = settings.first(option)
        names = [whole] if Path(whole).is_file() else whole.split()
        files += [Path(name).expanduser() for name in names if name != "none"]
    return [path for path in files if path.is_file()]


def _lines(settings: Settings, name: str, environ: Mapping[str, str]) -> Iterator[KnownHost]:
    for path in _files(settings):
        argv = ["ssh-keygen", "-F", name, "-f", str(path)]
        try:
            answer = subprocess.run(
                argv, env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotCheckedError(f"ssh-keygen cannot be asked for known hosts: {error}") from None
        line = 0
        for text in answer.stdout.decode(errors="replace").splitlines():
            if place := _FOUND.match(text):
                line = int(place[1])
            elif match := _LINE.match(text):
                yield KnownHost(match[1] or "", match[3], match[4], path, line)


def judge(settings: Settings, known_hosts: list[KnownHost], kind: str, key: str) -> None:
    """Whether OpenSSH would go on with a host that shows `key` (of `kind`, in base64).

    Raises:
        UnfitError: it would not.
        NotCheckedError: that depends on something that cannot be judged here.
    """
    is_there = [each for each in known_hosts if each.key == key]
    if any(each.marker == "@revoked" for each in is_there):
        raise UnfitError(
            f"its host key {kind} {fingerprint(key)} is revoked",
            "whoever shows it must not be trusted; ask who revoked it, and give the host a new key",
        )
    if any(not each.marker for each in is_there) or _is_exempt(settings):
        return
    for option in ("knownhostscommand", "verifyhostkeydns"):
        if settings.first(option, "none") not in {"none", "no", "false"}:
            raise NotCheckedError(f"the host key is looked up by ssh's {option}")
    if any(each.marker == "@cert-authority" for each in known_hosts):
        raise NotCheckedError("the host key is vouched for by a certificate authority")
    strict = settings.first("stricthostkeychecking", "ask")
    plain = [each for each in known_hosts if not each.marker and each.ported]
    if strict in {"no", "off", "false"} or (not plain and strict == "accept-new"):
        return
    raise _changed(settings, plain, kind, key) if plain else _unknown(settings, kind, key)


def _is_exempt(settings: Settings) -> bool:
    return settings.says("nohostauthenticationforlocalhost") and is_loopback(settings.address)


def _changed(settings: Settings, known_hosts: list[KnownHost], kind: str, key: str) -> UnfitError:
    same = [each for each in known_hosts if each.kind == kind] or known_hosts
    name, host = _name(settings), settings.facts.host
    return UnfitError(
        f"its host key is not the one that is known: was {same[0].words}, is {kind} {fingerprint(key)}",
        f"somebody may be between you and {host}, or another machine has its address: ask who runs it whether the new "
        f"fingerprint is right, and only then ssh-keygen -R '{name}' -f {same[0].path} and add the new key",
    )


def _unknown(settings: Settings, kind: str, key: str) -> UnfitError:
    files = _files(settings) or [Path(settings.first("userknownhostsfile").split(" ")[0])]
    port = f" -p {settings.port}" if settings.port != _PORT else ""
    return UnfitError(
        f"its host key is not known: it is {kind} {fingerprint(key)}",
        f"compare that with what the host itself says (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub), then "
        f"ssh-keyscan{port} {settings.address} >> {files[0]}",
    )
