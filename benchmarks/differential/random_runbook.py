"""Makes runbooks at random, the same for the same seed: all that steps and verifications can be, and can do wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from differential.random_steps import PLAIN, Document, action
from differential.random_verifications import verifications

WORDS = ("plain", "two words", "quo'ted", 'dou"ble', "$HOME `id`", "ü €", "back\\slash", "-n", "1.10", "yes", "0755")
UNDO = {"command": "echo {{ inventory_hostname }}", "verify": [{"exit": 0}]}
KEYS: tuple[tuple[float, Document], ...] = (
    (0.1, {"only_if": "inventory_hostname != 'a'"}),
    (0.04, {"only_if": "nothing.there"}),
    (0.04, {"only_if": "flavour == 'special' and own_list.append('d') is none"}),
    (0.1, {"retry": {"attempts": 2, "delay": "100ms"}}),
    (0.05, {"retry": {"attempts": 3, "delay": "100ms", "backoff": 2, "exit_codes": [3, 126]}}),
    (0.1, {"approve": "Go on?", "effect": "change"}),
    (0.1, {"undo": UNDO, "on_failure": "undo"}),
    (0.15, {"undo": UNDO}),
    (0.05, {"on_failure": "RUN-902"}),
    (0.08, {"become": True, "become_user": "nobody"}),
    (0.08, {"become": True}),
    (0.05, {"on": "b"}),
    (0.05, {"on": "localhost"}),
    (0.05, {"hosts": "pair"}),
    (0.08, {"each": ["one", "two words"]}),
    (0.03, {"each": {"of": ["one", "two words"], "limit": 1}}),
    (0.1, {"capture": {"seen_NAME": "stdout | default('') | length"}}),
    (0.03, {"capture": {"seen_NAME": "nothing.there"}}),
    (0.05, {"idempotent": True}),
)
"""How often a step has more to it, and what."""

POLICIES: tuple[Document, ...] = ({}, {}, {"max_failures": 1}, {"max_failures": 3}, {"max_failures": 3}, {"serial": 2})
BLOCK: Document = {
    "id": "block",
    "name": "Block",
    "shell": "test -e go || { touch begun; sleep 600; }",
    "chdir": "{{ here }}",
    "timeout": "15m",
    "verify": [{"exit": 0}],
    "on_failure": "stop",
}
"""A step that goes on until somebody stops it, and does nothing once there is a file `go`."""

GONE: Document = {
    "id": "gone",
    "name": "Be gone",
    "shell": "p=$$; v=; while [ \"$p\" -gt 1 ]; do n=$(sed -n 's/^PPid:.//p' /proc/$p/status); "
    'if grep -q "^sshd" /proc/$p/comm; then v="$v $p"; fi; p=$n; done; '
    'if [ {{ inventory_hostname }} = b ] && [ -n "$v" ]; then kill -KILL $v; sleep 1; fi',
    "verify": [{"exit": 0}],
    "on_failure": "continue",
}
"""A step in the midst of which a host goes away for good."""

FOUND = {"shell": PLAIN[2]["shell"], "effect": "read", "verify": [{"exit": 0}]}


HEAD: Document = {
    "id": "RUN-900",
    "title": "Whatever there is",
    "category": "maintenance",
    "severity": "P3",
    "owner": "owners",
    "trigger": {"event": "a comparison"},
    "scope": {"handles": ["Comparisons"]},
    "hosts": "all",
    "escalation": {"when": [{"declared": "Too much"}], "contacts": ["on-call"], "provide": ["timeline"]},
}
"""What each runbook that is compared begins with."""


def runbook(random: Random, *, begins: list[Document], accepts: Callable[[Document], bool]) -> Document:
    """One that `begins` so, and goes on with three to seven items, of which some fail on some hosts.

    What the product does not accept is left out: not every key goes with every kind.
    """
    document = {
        **HEAD,
        "values": "values/own.yml",
        "inputs": {
            "token": {"type": "secret", "help": "A secret"},
            "word": {"type": "string", "default": "w", "help": "W"},
        },
        **({} if begins else random.choice(POLICIES)),
        "steps": begins,
    }
    for number in range(random.randint(3, 7)):
        items = _items(random, f"step-{number}")
        for candidate in (items, [_bare(item) for item in items]):
            longer = {**document, "steps": [*document["steps"], *candidate]}
            if accepts(longer):
                document = longer
                break
    return document


def _items(random: Random, name: str) -> list[Document]:
    shape = random.choices((_step, _decide, _shared, _chosen, _each), weights=(16, 1, 1, 1, 1))[0]
    words = {"A": random.choice(WORDS), "B": random.choice(WORDS), "NAME": name.replace("-", "_")}
    return [_filled(item, words) for item in shape(random, name)]


def _step(random: Random, name: str) -> list[Document]:
    does = action(random)
    step = {"id": name, "name": f"Do {name}", "effect": random.choice(["read", "change"]), **does}
    step |= {"on_failure": random.choice(["continue", "continue", "continue", "stop", "escalate"])}
    step |= {"verify": verifications(random, does)}
    for chance, keys in KEYS:
        step |= keys if random.random() < chance else {}
    return [step]


def _bare(item: Document) -> Document:
    """The step without all that need not go with its kind."""
    own = {key: value for key, value in item.items() if key == "effect" or all(key not in keys for _, keys in KEYS)}
    return {**own, "on_failure": "continue"} if "verify" in own else own


def _decide(random: Random, name: str) -> list[Document]:
    question = random.choice(["test {{ inventory_hostname }} = a", "true", "sh -c 'exit 3'"])
    then = [{"id": f"{name}-first", "name": "The first way", "command": "echo a", "verify": [{"exit": 0}]}]
    branches = [
        {"if": {"command": question}, "says": "It is the first", "then": then},
        {"if": "flavour == 'special'", "stop": "It is special"},
        random.choice([{"else": "nothing"}, {"else": {"stop": "It is neither"}}]),
    ]
    return [{"id": name, "name": "Which is it?", "decide": branches}]


def _shared(random: Random, name: str) -> list[Document]:
    return [{"use": "shared/looks", "id": name, "with": {"most": random.choice([2, 9])}}]


def _chosen(random: Random, name: str) -> list[Document]:
    del random
    found = {**FOUND, "id": f"{name}-find", "name": "Find", "capture": {"found_NAME": "(stdout | from_json).rows"}}
    picks = {"choose": {"picked_NAME": {"from": "found_NAME", "field": "n"}}, "approve": "These?"}
    does = {"command": ["echo", "{{ picked_NAME | join(' ') }}"], "verify": [{"exit": 0}]}
    return [found, {"id": name, "name": "Pick", **picks, **does}]


def _each(random: Random, name: str) -> list[Document]:
    found = {**FOUND, "id": f"{name}-find", "name": "Find", "capture": {"found_NAME": "(stdout | from_json).rows"}}
    ends = random.choice(["true", 'test "$N" != 2 || test {{ inventory_hostname }} != b'])
    does = {
        "each": "{{ found_NAME }}",
        "shell": f"echo {{{{ item.n }}}}; {ends}",
        "verify": [{"exit": 0}],
        "undo": UNDO,
    }
    return [found, {"id": name, "name": "Do each", **does}]


def _filled(value: Any, words: dict[str, str]) -> Any:
    """The value with those words in their places."""
    text = json.dumps(value)
    for place in ("A", "B"):
        word = json.dumps(words[place])
        text = text.replace(f'"{place}"', word).replace(f"line {place}", f"line {word[1:-1]}")
    return json.loads(text.replace("NAME", words["NAME"]))


def answers(document: Document) -> list[str]:
    """The words by which a command is told in advance all that people are asked for."""
    words = ["--yes"]
    for step in document["steps"]:
        if "manual" in step or any("confirm" in each for each in step.get("verify", [])):
            words += ["--confirm", step["id"]]
        for name in step.get("choose", {}):
            words += ["--choose", f"{step['id']}.{name}=2"]
    return words
