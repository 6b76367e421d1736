"""The program by which a host takes a drill's fault back by itself: once, at its time or when it is told, for good."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runner.core.deferred import dataclass

_PLACE = "/var/tmp"  # noqa: S108 - what lies there outlives a restart of the host

SETTLES = 15
"""Seconds in which what a drill is still doing on the host has ended, once it was told to."""

ARM = 'umask 077; mkdir -m 711 -- "$1" && cat >"$1/undo" && exec sh "$1/undo" arm "$2"'
"""The shell code that puts the program, which it reads, into the directory, and arms it for so many seconds later."""

TELL = 'test -d "$1" || { echo gone; exit; }; sh "$1/undo" "$2" || test ! -d "$1"'
"""The shell code that tells the program in the directory what to do; where there is none, it says `gone`."""

_PROGRAM = r"""#!/bin/sh
# Takes back what a drill of runbookctl has broken on this host: TITLE
# It does so once, at its time or when the drill is over, and then removes itself.
here=HERE
unit=${here##*/}

as() { # a user, and a command; no user is the one who has armed this
  user=$1
  shift
  if [ -z "$user" ] && [ "$(id -u)" = 0 ]; then user=$(cat "$here/login"); fi
  if [ -z "$user" ] || [ "$user" = "$(id -un)" ]; then "$@"; else runuser -u "$user" -- "$@"; fi
}

STEPS

arm() {
  mkdir "$here/armed"
  printf '%s\n' "${SUDO_USER:-}" >"$here/login"
  if [ "$(id -u)" = 0 ] && [ -d /run/systemd/system ] && systemd-run --quiet --collect --unit="$unit" \
    --on-active="$1" --timer-property=AccuracySec=1s --setenv=PATH="$PATH" --setenv=HOME="$HOME" \
    sh "$here/undo" fire 2>/dev/null; then
    echo systemd-run
  elif [ "$1" -ge 60 ] && command -v at >/dev/null && pgrep -x atd >/dev/null; then
    echo "sh $here/undo rest $(($(date +%s) + $1))" | at now + $(($1 / 60)) minutes 2>&1 |
      sed -n 's/^job \([0-9]*\) .*/\1/p' >"$here/job"
    [ -s "$here/job" ] && echo at
  else
    cd / && setsid sh "$here/undo" wait "$1" </dev/null >/dev/null 2>&1 &
    echo setsid
  fi
}

uptime() {
  IFS=. read -r up rest </proc/uptime
  echo "$up"
}

wait_for_it() { # no sleep of its whole length: it would outlive what it waits for
  until=$(($(uptime) + $1))
  while [ -d "$here" ]; do
    [ "$(uptime)" -lt "$until" ] || exec sh "$here/undo" fire
    sleep 1
  done
}

rest() { # `at` knows minutes only, and comes too early; a clock that was set meanwhile delays nothing for long
  left=$(($1 - $(date +%s)))
  [ "$left" -le 120 ] || left=120
  wait_for_it "$left"
}

in_flight() { # what the drill itself is doing here just now; what it has started in passing belongs to the fault
  for each in /proc/[0-9]*; do
    [ "$(cat "$each/comm" 2>/dev/null)" = timeout ] || continue
    tr '\0' '\n' 2>/dev/null <"$each/environ" | grep -qx "RUNBOOK_ATTEMPT=$unit" && echo "${each#/proc/}"
  done
}

settle() {
  tries=SETTLES
  while [ "$tries" -gt 0 ] && found=$(in_flight) && [ -n "$found" ]; do
    kill $found 2>/dev/null
    sleep 1
    tries=$((tries - 1))
  done
}

forget() { # the timer by which it would come
  if [ -d /run/systemd/system ]; then systemctl stop "$unit.timer" 2>/dev/null; fi
  if [ -s "$here/job" ]; then atrm "$(cat "$here/job")" 2>/dev/null; fi
}

claim() { # of all who come for it one does it; that takes no room, as the disk may be full
  mv "$here/armed" "$here/claimed" 2>/dev/null || return
  echo $$ 2>/dev/null >"$here/claimed/pid" || true
}

again() { # where it has failed, or whoever did it has died with it
  pid=$(cat "$here/claimed/pid" 2>/dev/null)
  if [ -n "$pid" ] && ! grep -q "$here/undo" "/proc/$pid/cmdline" 2>/dev/null; then
    mv "$here/claimed" "$here/armed" 2>/dev/null
  fi
  mv "$here/failed" "$here/armed" 2>/dev/null
}

fire() {
  umask 022
  cd /
  claim || exit 0
  settle
  log=$here/log
  echo 2>/dev/null >"$log" || log=/dev/null
  if steps >"$log" 2>&1 </dev/null; then
    forget
    rm -rf "$here"
  else
    echo "exit code $?" >>"$log"
    forget
    mv "$here/claimed" "$here/failed"
  fi
}

now() {
  again
  if [ -d /run/systemd/system ] && systemctl --quiet is-active "$unit.timer" 2>/dev/null; then
    systemctl start --no-block "$unit.service"
  else
    setsid sh "$here/undo" fire </dev/null >/dev/null 2>&1 &
  fi
  tries=TRIES
  while [ -d "$here" ] && [ ! -e "$here/failed" ] && [ "$tries" -gt 0 ]; do
    sleep 0.2
    tries=$((tries - 1))
  done
  [ -d "$here" ] || exit 0
  [ -e "$here/failed" ] || echo "begun, and not ended: see $here" >&2
  [ ! -e "$here/failed" ] || tail -n 3 "$here/log" | paste -s -d ';' - >&2
  exit 1
}

case $1 in
  arm) arm "$2" ;;
  wait) wait_for_it "$2" ;;
  rest) rest "$2" ;;
  fire) fire ;;
  now) now ;;
  disarm) claim && forget && rm -rf "$here" ;;
esac
"""


@dataclass(frozen=True, slots=True)
class UndoCommand:
    """One command that takes something back: its words, what it reads, its variables, where and as whom it is done.

    Each part may have templates of Ansible's. It lasts `seconds` at most.
    """

    name: str
    argv: Sequence[str]
    seconds: float
    stdin: str = ""
    environment: Mapping[str, Any] | str = ""
    chdir: str = ""
    user: str = ""


def attempt_of(run: str) -> str:
    """What the directory and the unit of the drill `run` are called on a host, and all that it does there."""
    return f"runbook-drill-{run}"


def place_of(run: str) -> str:
    """Where its undo lies on the host: a directory of its own, of which others see only whether it is still armed."""
    return f"{_PLACE}/{attempt_of(run)}"


def undo_program(directory: str, title: str, actions: Iterable[UndoCommand]) -> tuple[str, dict[str, Any]]:
    """The program as a template of Ansible's, and the variables of it: a value in it never becomes shell code."""
    whole = list(actions)
    functions, variables = [], dict[str, Any]()
    for number, action in enumerate(whole, 1):
        functions.append(_function(number, action))
        variables |= {
            f"undo_{number}_argv": list(action.argv),
            f"undo_{number}_stdin": action.stdin,
            f"undo_{number}_env": action.environment or {},
            f"undo_{number}_chdir": action.chdir or "/",
            f"undo_{number}_user": action.user,
        }
    calls = " &&\n".join(f"  (step_{number})" for number in range(1, len(whole) + 1))
    steps = "\n\n".join([*functions, f"steps() {{\n{calls}\n}}"])
    tries = round(5 * (sum(action.seconds + SETTLES for action in whole) + SETTLES))
    filled = {"HERE": directory, "SETTLES": str(SETTLES), "TRIES": str(tries), "STEPS": steps, "TITLE": title}
    text = _PROGRAM
    for name, value in filled.items():
        text = text.replace(name, value)
    return text, variables


def _function(number: int, action: UndoCommand) -> str:
    prefix = f"undo_{number}"
    exported = (
        f"{{% for name, value in {prefix}_env.items() %}}"
        "  export {{ name }}={{ value | string | quote }}\n{% endfor %}"
    )
    words = f"{{{{ {prefix}_argv | map('string') | map('quote') | join(' ') }}}}"
    return (
        f"step_{number}() {{ # {action.name}\n"
        f"  cd {{{{ {prefix}_chdir | quote }}}} || return\n{exported}"
        f"  printf %s {{{{ {prefix}_stdin | string | quote }}}} | as {{{{ {prefix}_user | quote }}}} {words}\n}}"
    )
