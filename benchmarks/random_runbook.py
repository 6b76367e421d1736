"""Makes runbooks at random, the same for the same seed: all that steps and verifications can be, and can do wrong."""

from __future__ import annotations

import json
from random import Random
from typing import Any

Document = dict[str, Any]

WORDS = ("plain", "two words", "quo'ted", 'dou"ble', "$HOME `id`", "ü €", "back\\slash", "-n", "1.10", "yes", "0755")
HANGS_UP = (
    'p=$$; while [ "$p" -gt 1 ] && ! grep -q "^sshd" /proc/$p/comm; '
    'do p=$(sed -n "s/^PPid:.//p" /proc/$p/status); done; '
    'if [ {{ inventory_hostname }} = b ] && [ "$p" -gt 1 ]; then kill -KILL "$p"; sleep 1; fi'
)
"""Kills the sshd that serves the connection, where there is one."""

PRINTING: tuple[Document, ...] = (
    {"shell": HANGS_UP},
    {"command": "printf '<%s>' one 'two words' \"three\" '' {{ inventory_hostname }}"},
    {"command": ["printf", "<%s>", "A", "B"]},
    {"shell": "echo out; echo err >&2; test {{ inventory_hostname }} != a || exit 3"},
    {"shell": "echo out; test {{ inventory_hostname }} != b || exit 126"},
    {"shell": "test {{ inventory_hostname }} != c || exit 127"},
    {"shell": "exit 255"},
    {"shell": r"printf '\377\376 text\n'; printf '\303' >&2"},
    {"shell": "yes 0123456789 | head -c 300000"},
    {"shell": r"""printf '{"used": 91, "names": ["a", "b"]}'"""},
    {"shell": r"""printf '{"rc": 0, "failed": true, "ansible_facts": {"x": 1}}\n'"""},
    {"shell": r"printf '\033[31mred\r\n\n\n  spaces  \n\n'"},
    {"shell": r"""printf 'runbook-host-python-is-ready\n{"id": 0, "rc": 0, "stdout": "forged", "stderr": ""}\n'"""},
    {"shell": 'printf \'%s|\' "$GIVEN" "$OTHER"', "env": {"GIVEN": "A", "OTHER": "{{ 'a b' }} $HOME 'x'"}},
    {"command": "cat", "stdin": "line A\nline B"},
    {"command": "true", "chdir": "/no/such"},
    {"command": "no-such-program"},
    {"command": "/etc/passwd"},
    {"command": "echo {{ nothing.there }}"},
    {"shell": "kill -TERM $$"},
    {"shell": "kill -KILL $$"},
    {"shell": "kill -KILL $PPID; sleep 1"},
    {"shell": "exec 1>&- 2>&-; exit 3"},
    {"shell": "(sleep 0.3; echo late) & echo now"},
    {"shell": "echo begun; sleep 30", "timeout": "400ms"},
    {"script": "scripts/tell.sh", "args": ["A", "B"]},
)
"""What a step may do that prints something, or should; A and B stand for words."""

OTHERS: tuple[Document, ...] = (
    {"module": {"ansible.builtin.stat": {"path": "/"}}},
    {"module": {"ansible.builtin.stat": {"path": "/no/such"}}},
)
VERIFICATIONS: tuple[Document, ...] = (
    {"exit": 0},
    {"exit": 0},
    {"exit": 0},
    {"exit": [0, 3]},
    {"exit": 7},
    {"matches": "^<"},
    {"matches": "."},
    {"says": "It is short", "that": "stdout | length < 100"},
    {"says": "It is another host", "that": "inventory_hostname != 'b'"},
    {"says": "It is known", "that": "nothing.there"},
    {"says": "It is a condition", "that": "stdout"},
)
PROBES: tuple[Document, ...] = (
    {"says": "It is there", "command": "sh -c 'test -e looks-NAME || echo x >> looks-NAME'", "exit": 0},
    {"says": "It comes", "command": "sh -c 'echo x >> looks-NAME; test $(wc -l < looks-NAME) -ge 3'", "exit": 0}
    | {"within": "60s", "every": "100ms"},
    {"says": "It never comes", "command": "test {{ inventory_hostname }} = a", "exit": 0}
    | {"within": "300ms", "every": "200ms"},
    {"says": "It stays", "command": "echo 5", "that": "stdout | int < 6", "hold_for": "300ms", "every": "100ms"},
    {
        "says": "It does not stay",
        "command": "echo 5",
        "that": "stdout | int < 4",
        "hold_for": "300ms",
        "every": "100ms",
    },
    {"says": "It is the host", "command": "echo b", "that": "stdout == inventory_hostname"},
)
KEYS: tuple[tuple[float, Document], ...] = (
    (0.15, {"only_if": "inventory_hostname != 'a'"}),
    (0.1, {"retry": {"attempts": 2, "delay": "100ms"}}),
    (0.1, {"approve": "Go on?", "effect": "change"}),
    (0.1, {"undo": {"command": "echo {{ inventory_hostname }}", "verify": [{"exit": 0}]}, "on_failure": "undo"}),
    (0.1, {"become": True, "become_user": "nobody"}),
    (0.1, {"become": True}),
    (0.1, {"on": "b"}),
    (0.1, {"each": ["one", "two words"]}),
)
"""How often a step has more to it, and what."""

POLICIES: tuple[Document, ...] = ({}, {}, {"max_failures": 1}, {"max_failures": 3}, {"max_failures": 3}, {"serial": 2})


def runbook(seed: int) -> Document:
    """One of three to eight steps, of which some fail on some hosts."""
    random = Random(seed)  # noqa: S311 - no secret
    return {
        "id": "RUN-900",
        "title": "Whatever there is",
        "category": "maintenance",
        "severity": "P3",
        "owner": "owners",
        "trigger": {"event": "a comparison"},
        "scope": {"handles": ["Comparisons"]},
        "hosts": "all",
        "steps": [_step(random, f"step-{number}") for number in range(random.randint(3, 8))],
        "escalation": {"when": [{"declared": "Too much"}], "contacts": ["on-call"], "provide": ["timeline"]},
        **random.choice(POLICIES),
    }


def _step(random: Random, name: str) -> Document:
    prints = random.random() < 0.9  # noqa: PLR2004 - of ten steps one is another module
    verify = [random.choice([*VERIFICATIONS, *PROBES]) if prints else random.choice(PROBES)]
    verify += [random.choice(PROBES)] if random.random() < 0.3 else []  # noqa: PLR2004
    step = {
        "id": name,
        "name": f"Do {name}",
        **random.choice(PRINTING if prints else OTHERS),
        "effect": random.choice(["read", "change"]),
        "on_failure": random.choice(["continue", "continue", "continue", "stop", "escalate"]),
        "verify": verify,
    }
    for chance, keys in KEYS:
        step |= keys if random.random() < chance else {}
    words = {"A": random.choice(WORDS), "B": random.choice(WORDS), "NAME": name}
    return dict(_filled(step, words))


def _filled(value: Any, words: dict[str, str]) -> Any:
    """The value with those words in their places."""
    text = json.dumps(value)
    for place, word in words.items():
        text = text.replace(f'"{place}"', json.dumps(word)).replace(f"line {place}", f"line {json.dumps(word)[1:-1]}")
    return json.loads(text.replace("looks-NAME", f"looks-{words['NAME']}"))
