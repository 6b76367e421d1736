"""Programs that only start another one, such as `sudo` and `timeout`: which of their words begin the program meant."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType

from runner.core.deferred import dataclass, regex

SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
ASSIGNMENT = regex(r"[A-Za-z_][A-Za-z0-9_]*(?:\[[^\]]*\])?\+?=")


@dataclass(frozen=True, slots=True)
class _Starter:
    """The options of a program that take a word of their own, and the operands before the program that it starts.

    `counts` is whether it does work of its own, so that one may ask what depends on it. The words are code for a shell
    behind an option that the pattern `code_flag` matches, and with `joined`, up to the word `until`; with `one_word`
    only the first of several words is code; with `only_code` it starts nothing else.
    """

    takes: str = ""
    operands: int = 0
    counts: bool = False
    code_flag: str = ""
    only_code: bool = False
    joined: bool = False
    one_word: bool = False
    until: str = ""
    after: str = ""
    verb: str = ""


_CONTAINER = _Starter("-e -u -w --env --user --workdir --env-file --detach-keys", 1, counts=True, verb="exec")
_CLUSTER = _Starter(counts=True, verb="exec", after="--")
_SSH = "-B -b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w"
_PARALLEL = (
    "-j -P -a -I -N -n -S -d --jobs --delay --timeout --joblog --retries --colsep --sshlogin --workdir --results"
)
_SU_CODE = "-c|--command|--session-command"
# As their manuals say it; what takes no word of its own is left out.
_STARTERS: Mapping[str, _Starter] = MappingProxyType(
    {
        "sudo": _Starter("-u -g -h -p -C -r -t -T -U -D -R --user --group --host --prompt --chdir --close-from"),
        "doas": _Starter("-u -C"),
        "su": _Starter("-s -g -G --shell --group", 1, code_flag=_SU_CODE),
        "runuser": _Starter("-l -u -g -G -s --user --group --shell", code_flag=_SU_CODE),
        "sg": _Starter("", 1, code_flag="-c", joined=True),
        "gosu": _Starter("", 1),
        "su-exec": _Starter("", 1),
        "setuidgid": _Starter("", 1),
        "pkexec": _Starter("--user"),
        "sshpass": _Starter("-p -f -d -P"),
        "busybox": _Starter(),
        "unbuffer": _Starter(),
        "chronic": _Starter(),
        "nsenter": _Starter("-t -S -G --target --setuid --setgid"),
        "unshare": _Starter("-S -G -R -w --setuid --setgid --root --wd --map-user --map-group"),
        "script": _Starter("-t -T -I -O -B -o -m -E", code_flag="-[a-zA-Z]*c|--command", only_code=True),
        "setpriv": _Starter("--reuid --regid --groups --inh-caps --bounding-set --securebits --pdeathsig"),
        "env": _Starter("-u -C --unset --chdir", code_flag="-[a-zA-Z0]*S|--split-string"),
        "timeout": _Starter("-k -s --kill-after --signal", 1),
        "nice": _Starter("-n --adjustment"),
        "ionice": _Starter("-c -n --class --classdata"),
        "chrt": _Starter("", 1),
        "taskset": _Starter("", 1),
        "nohup": _Starter(),
        "setsid": _Starter(),
        "stdbuf": _Starter("-i -o -e --input --output --error"),
        "time": _Starter("-f -o --format --output"),
        "strace": _Starter("-e -o -p -s -u -E -P -I -b -X -S -O"),
        "chpst": _Starter("-u -U -b -e -d -o -p -f -c -t -m -n -/"),
        "coproc": _Starter(),
        "exec": _Starter("-a"),
        "eval": _Starter(joined=True),
        "trap": _Starter(joined=True, one_word=True),
        "command": _Starter(),
        "builtin": _Starter(),
        "flock": _Starter("-w -E --timeout --wait --conflict-exit-code", 1, code_flag="-c|--command"),
        "chroot": _Starter("", 1),
        "systemd-run": _Starter("-p -u -E -M -H --property --unit --uid --gid --setenv --slice --description"),
        "watch": _Starter("-n --interval", joined=True),
        "xargs": _Starter(
            "-n -P -I -d -L -s -a -E --max-args --max-procs --max-lines --delimiter --arg-file --replace", counts=True
        ),
        "parallel": _Starter(_PARALLEL, counts=True, joined=True, until=":::"),
        "pdsh": _Starter("-w -x -g -l -t -u -f -R", counts=True, joined=True),
        "clush": _Starter("-w -x -g -X -l -t -u -f -R", counts=True, joined=True),
        "ssh": _Starter(_SSH, 1, counts=True, joined=True),
        "docker": _CONTAINER,
        "podman": _CONTAINER,
        "kubectl": _CLUSTER,
        "oc": _CLUSTER,
    }
)

CONTAINERS = frozenset({"docker", "podman", "nerdctl", "crictl", "docker-compose", "kubectl", "oc", "lxc", "flatpak"})
"""The programs that start others elsewhere by commands of which only `exec` is known here."""

TAKES_CODE = SHELLS | {name for name, each in _STARTERS.items() if each.joined or each.code_flag}
"""The programs that hand a shell its code."""


@dataclass(frozen=True, slots=True)
class Started:
    """What `words` start: the words from the number `at` on, or `code` for a shell that stands in the word `at`.

    `through` are the programs with work of their own that it is started through, and `strict` whether the shell fails
    when one command of a pipe does, `errexit` whether it ends at the first command that fails.
    """

    at: int
    code: str | None = None
    strict: bool = False
    errexit: bool = False
    through: tuple[str, ...] = ()


def program_name(word: str) -> str:
    """The program that `word` starts, without its directory."""
    return PurePosixPath(word).name if "/" in word or word == "." else word


def started(words: Sequence[str]) -> Started:
    """The program that is meant, or the shell code, behind whatever only starts it."""
    at, through = 0, tuple[str, ...]()
    while at < len(words):
        name = program_name(words[at])
        if ASSIGNMENT.match(words[at]):
            at += 1
            continue
        if name in SHELLS:
            return _shell(words, at, through)
        starter = _STARTERS.get(name)
        found = _next(words, at, starter) if starter else None
        if starter is None or found is None:
            return Started(at, through=through)
        through += (name,) * starter.counts
        if found.code is not None:
            return Started(found.at, found.code, through=through)
        at = found.at
    return Started(len(words), through=through)


def _shell(words: Sequence[str], at: int, through: tuple[str, ...]) -> Started:
    end = next((n for n in range(at + 1, len(words)) if words[n][:1] not in "-+" and words[n - 1][-1:] != "o"), 0)
    options = words[at + 1 : end]
    if not any(re.fullmatch("-[a-z]*c[a-z]*", each) for each in options):
        return Started(at, through=through)
    strict = "pipefail" in options or sets_pipefail(words[end])
    errexit = any(re.fullmatch("-[a-z]*e[a-z]*", each) for each in options) or _ERREXIT.search(words[end])
    return Started(end, words[end], strict, bool(errexit), (*through, program_name(words[at])))


def replaced(words: Sequence[str]) -> str:
    """What `xargs` among the `words` replaces in the command that it starts by a line that it reads; empty for none."""
    names = [program_name(word) for word in words]
    options = words[names.index("xargs") + 1 :] if "xargs" in names else ()
    for number, word in enumerate(options):
        if match := re.fullmatch(r"(?:-[0rtx]*[Ii]|--replace=?)(.*)", word, re.DOTALL):
            following = options[number + 1 : number + 2] if re.fullmatch("-[0rtx]*I", word) else ()
            return match[1] or next(iter(following), "{}")
        if word[:1] != "-" and options[number - 1 : number] not in (["-n"], ["-P"], ["-d"], ["-L"], ["-s"]):
            return ""
    return ""


_ERREXIT = regex(r"set\s+(?:-\S+\s+)*-(?:[a-z]*e[a-z]*\b|o\s+errexit)")


def sets_pipefail(code: str) -> bool:
    """Whether the shell `code` itself says that a pipe fails when one of its commands does."""
    return re.search(r"set\s+(?:-\S+\s+)*-[a-z]*o\s+pipefail", code) is not None


def _next(words: Sequence[str], at: int, starter: _Starter) -> Started | None:
    """Where the program begins that the `starter` at the word number `at` starts; None where it starts none."""
    rest = at + 1
    if starter.verb:
        if starter.verb not in words[rest:]:
            return None
        rest = words.index(starter.verb, rest) + 1
    if starter.after:
        return Started(words.index(starter.after, rest) + 1) if starter.after in words[rest:-1] else None
    begin = rest
    for _ in range(starter.operands):
        rest = _after_options(words, rest, starter.takes.split()) + 1
    rest = _after_options(words, rest, starter.takes.split())
    if starter.code_flag and (found := _flagged(words, range(begin, min(rest, len(words))), starter.code_flag)):
        return found
    if starter.only_code or (words[at] == "command" and {"-v", "-V"} & set(words[at + 1 : rest])):
        return None
    if rest >= len(words):
        return None
    return _joined(words, rest, starter) if starter.joined else Started(rest)


def _joined(words: Sequence[str], rest: int, starter: _Starter) -> Started | None:
    """The code that the `words` are from the number `rest` on; None where they are none, as in `trap - EXIT`."""
    if starter.one_word:
        return Started(rest, words[rest]) if words[rest] not in ("-", "") and words[rest + 1 :] else None
    end = words.index(starter.until, rest + 1) if starter.until in words[rest + 1 :] else len(words)
    return Started(rest, " ".join(words[rest:end]))


def _flagged(words: Sequence[str], among: range, flag: str) -> Started | None:
    """The code behind the first of the words `among` that is such a `flag`, or in the same word."""
    for at in among:
        if re.fullmatch(flag, words[at]) and at + 1 < len(words):
            return Started(at + 1, words[at + 1])
        if words[at][:1] == "-" and (match := re.fullmatch(rf"(?:{flag})=?(?P<code>.+)", words[at], re.DOTALL)):
            return Started(at, match["code"])
    return None


def _after_options(words: Sequence[str], at: int, takes: Sequence[str]) -> int:
    while at < len(words) and (words[at].startswith("-") or ASSIGNMENT.match(words[at])):
        if words[at] == "--":
            return at + 1
        at += 2 if _takes_a_word(words[at], takes) else 1
    return at


def _takes_a_word(option: str, takes: Sequence[str]) -> bool:
    """Whether an option takes the next word, itself or as the last letter of several (`-iu`); no other of them may."""
    letters = [f"-{letter}" for letter in option[1:]] if re.fullmatch("-[A-Za-z0-9]{2,}", option) else []
    several = bool(letters) and letters[-1] in takes and not any(each in takes for each in letters[:-1])
    return option in takes or several
