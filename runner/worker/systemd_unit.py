"""The watch as a unit of systemd: hardened, restarted for ever, and told to be dead when it no longer looks."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.core.errors import InvalidInputError

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "%": "%%"})

_UNIT = """\
# runbook watch: calls people when a run on this machine dies. Written by `runbook watch --export systemd`.
#
# Save it as /etc/systemd/system/runbook-watch.service, then: systemctl enable --now runbook-watch
# Secrets that contacts.yml names as env:NAME are lines NAME=value in {environment}
# (chmod 600); it is read as root, before the user is changed.

[Unit]
Description=runbook watch: calls people when a run dies
Wants=network-online.target
After=network-online.target
RequiresMountsFor={state}
StartLimitIntervalSec=0

[Service]
Type=notify
User={user}
ExecStart={command}
EnvironmentFile=-{environment}
Restart=always
RestartSec=5
WatchdogSec=300

# It writes to the state directory, and removes what dead runs have left in the temporary directory. It sees the
# processes of its user, to end what a dead run has left; what such a run started as root on this very machine is left.
ProtectSystem=strict
ReadWritePaths={writable}
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
UMask=0077
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=read-only
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
"""

ENVIRONMENT_FILE = Path("/etc/runbookctl/watch.env")
"""Where the unit reads the secrets of channels from."""


@dataclass(frozen=True)
class WatchUnit:
    """What differs from one watch to another: its `command`, the login `user`, and where that may write."""

    command: Sequence[str]
    user: str
    state: Path
    temporary: Path

    def text(self) -> str:
        """The file of the unit, in the syntax of systemd.unit(5) and systemd.service(5).

        Raises:
            InvalidInputError: a path holds a control character, such as a line break.
        """
        writable = dict.fromkeys((self.state, self.temporary))
        return _UNIT.format(
            command=" ".join(_word(each).replace("$", "$$") for each in self.command),
            user=self.user.translate(_ESCAPES),
            state=_word(str(self.state)),
            writable=" ".join(_word(str(path)) for path in writable),
            environment=ENVIRONMENT_FILE,
        )


def _word(text: str) -> str:
    """`text` as one word: systemd takes `%` for a specifier, and blanks for the end of a word.

    A line break ends the setting, and escapes are not read in every setting that takes a path: systemd.syntax(7).

    Raises:
        InvalidInputError: it holds a control character.
    """
    if any(unicodedata.category(each) == "Cc" for each in text):
        hint = "move it to a path without control characters, or use --state-dir"
        raise InvalidInputError(f"{text!r} holds a control character, which a unit of systemd cannot name", hint=hint)
    escaped = text.translate(_ESCAPES)
    return f'"{escaped}"' if escaped != text or any(each.isspace() or each in "'$;#" for each in text) else text
