"""What works for long as units of systemd: the watch and the scheduler, hardened and restarted, or a timer."""

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

_LOOP = """\
# runbook schedule run: begins what is planned. Written by `runbook schedule export systemd`.
# Enable either this unit or runbook-tick.timer: systemctl enable --now runbook-schedule
{environment_note}

[Unit]
Description=runbook schedule: begins what is planned
Wants=network-online.target
After=network-online.target time-sync.target
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
{common}
[Install]
WantedBy=multi-user.target
"""

_TICK = """\
# runbook schedule tick: looks once at what is planned. Written by `runbook schedule export systemd`.
{environment_note}

[Unit]
Description=runbook schedule: looks at what is planned
RequiresMountsFor={state}

[Service]
Type=oneshot
User={user}
ExecStart={command}
EnvironmentFile=-{environment}
{common}"""

_TIMER = """\
# Ticks each minute: what is due is decided by runbook schedule, not by systemd. Written by
# `runbook schedule export systemd`. Enable it with: systemctl enable --now runbook-tick.timer

[Unit]
Description=runbook schedule: looks each minute at what is planned

[Timer]
OnCalendar=*:0/1
AccuracySec=1s
Persistent=no

[Install]
WantedBy=timers.target
"""

# A run becomes other users on this machine where a runbook says so, so that it keeps its rights.
_COMMON = """
# A run that was begun goes on to its end, also when this unit is stopped.
KillMode=process
UMask=0077
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictRealtime=yes
LockPersonality=yes
SystemCallArchitectures=native
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


def schedule_units(words: Sequence[str], user: str, state: Path) -> dict[str, str]:
    """The units by which the schedules are looked at, by the names of their files; `words` begin the command.

    Raises:
        InvalidInputError: a path holds a control character.
    """
    made = {}
    for name, text, last in (("schedule", _LOOP, ["run"]), ("tick", _TICK, ["tick", "--no-wait"])):
        file = Path("/etc/runbookctl") / f"{name}.env"
        made[f"runbook-{name}.service"] = text.format(
            environment_note=f"# Secrets that are named as env:NAME are lines NAME=value in {file} (chmod 600).",
            command=" ".join(_word(each).replace("$", "$$") for each in [*words, "schedule", *last]),
            user=user.translate(_ESCAPES),
            state=_word(str(state)),
            environment=file,
            common=_COMMON,
        )
    return {**made, "runbook-tick.timer": _TIMER}


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
