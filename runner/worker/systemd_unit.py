"""What works for long as units of systemd: the watch and the scheduler, hardened and restarted, or a timer."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "%": "%%"})

_SERVICE = """\
# {what}. Written by `{written_by}`.
#
{how}
# Secrets that are named as env:NAME are lines NAME=value in {environment}
# (chmod 600); it is read as root, before the user is changed.

[Unit]
Description={what}
RequiresMountsFor={state}
{unit}
[Service]
User={user}
ExecStart={command}
EnvironmentFile=-{environment}
{service}
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

_ALWAYS_UNIT = """\
Wants=network-online.target
After=network-online.target time-sync.target
StartLimitIntervalSec=0
"""
_ALWAYS = """\
Type=notify
Restart=always
RestartSec=5
WatchdogSec=300
"""
_INSTALL = """
[Install]
WantedBy=multi-user.target
"""

_WATCH = """
# It writes to the state directory, and removes what dead runs have left in the temporary directory. It sees the
# processes of its user, to end what a dead run has left; what such a run started as root on this very machine is left.
ProtectSystem=strict
ReadWritePaths={writable}
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
PrivateDevices=yes
ProtectControlGroups=yes
ProtectHome=read-only
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictSUIDSGID=yes
SystemCallFilter=@system-service"""

_SCHEDULE = """
# A run that was begun goes on to its end, also when this unit is stopped. It becomes other users on this machine where
# a runbook says so, so that it keeps its rights.
KillMode=process"""

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
        writable = " ".join(_word(str(path)) for path in dict.fromkeys((self.state, self.temporary)))
        how = "# Save it as /etc/systemd/system/runbook-watch.service, then: systemctl enable --now runbook-watch"
        return _service(
            "runbook watch: calls people when a run dies",
            ("runbook watch --export systemd", how),
            self.command,
            (self.user, self.state, ENVIRONMENT_FILE),
            _ALWAYS + _WATCH.format(writable=writable),
            lasting=True,
        )


def schedule_units(words: Sequence[str], user: str, state: Path) -> dict[str, str]:
    """The units by which the schedules are looked at, by the names of their files; `words` begin the command.

    Raises:
        InvalidInputError: a path holds a control character.
    """

    def unit(name: str, what: str, how: str, last: Sequence[str], kind: str, *, lasting: bool = False) -> str:
        place = (user, state, ENVIRONMENT_FILE.with_name(f"{name}.env"))
        origin = ("runbook schedule export systemd", how)
        command = [*words, "schedule", *last]
        return _service(f"runbook schedule: {what}", origin, command, place, kind + _SCHEDULE, lasting=lasting)

    either = "# Enable either this unit or runbook-tick.timer: systemctl enable --now runbook-schedule"
    loop = unit("schedule", "begins what is planned", either, ["run"], _ALWAYS, lasting=True)
    once = "# runbook-tick.timer starts it each minute."
    tick = unit("tick", "looks once at what is planned", once, ["tick", "--no-wait"], "Type=oneshot\n")
    return {"runbook-schedule.service": loop, "runbook-tick.service": tick, "runbook-tick.timer": _TIMER}


def _service(
    what: str,
    origin: tuple[str, str],
    command: Sequence[str],
    place: tuple[str, Path, Path],
    service: str,
    *,
    lasting: bool,
) -> str:
    """A unit that does `what`, by `command`, and what its `service` section has besides what all of them have.

    `origin` is the command that has written it, and how it is used; `place` the user, the state directory and the file
    with secrets. A `lasting` one is always up.
    """
    user, state, environment = place
    text = _SERVICE.format(
        what=what,
        written_by=origin[0],
        how=origin[1],
        unit=_ALWAYS_UNIT if lasting else "",
        command=" ".join(_word(each).replace("$", "$$") for each in command),
        user=user.translate(_ESCAPES),
        state=_word(str(state)),
        environment=environment,
        service=service,
    )
    return text + (_INSTALL if lasting else "")


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
