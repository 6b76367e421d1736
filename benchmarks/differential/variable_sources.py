"""Inventories made at random: the same variables in many places, of many types, that refer to each other."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from differential.hosts import HOSTS, PYTHON, encrypted

NAMES = tuple(f"v{number}" for number in range(8))
"""Variables that every host has."""
LITERALS = (
    *("yes", "no", "'yes'", "on", "1e3", "'1e3'", "0755", "'0755'", "0o17", "017", "1_000", "12:30:45", "2026-01-01"),
    *("2026-01-01 10:00:00", "'1.10'", "1.10", "1.0", ".inf", "-0", "null", "~", "''", "' spaces '", "true", "'True'"),
    *('"two\\nlines\\n"', '"tab\\there"', "'#no comment'", "'- no list'", "'a: b'", "'$HOME `id` $(id)'", "'\\ back'"),
    *("'ünïcode €'", "'\"quoted\"'", "'it''s'", "[1, '2', 3.0, null]", "{k: 'v', n: 1}", "[]", "{}", "'[1, 2]'"),
    *("'{\"k\": 1}'", "!unsafe '{{ no.template }}'", "!unsafe '{% raw'", "'%s %(x)s'", "1234567890123456789", "'-n'"),
)
"""What YAML has for a value, the awkward first of all."""
TEMPLATES = (
    *("'{{ REF }}'", "'{{ REF }}'", "'x{{ REF }}y'", "'{{ REF ~ inventory_hostname }}'", "['{{ REF }}', b]"),
    *(
        "'{{ hostvars[\"b\"].REF }}'",
        "{k: '{{ REF }}'}",
        "\"{% if inventory_hostname == 'a' %}A{% else %}{{ REF }}{% endif %}\"",
    ),
    *("'{{ REF | string }}'", "'{{ REF | default(7) }}'", "'{{ REF | to_json }}'", "'{{ REF | type_debug }}'"),
    *('\'{{ lookup("env", "HOME") }}\'', '\'{{ lookup("file", here ~ "/note") }}\'', '\'{{ lookup("vars", "REF") }}\''),
    *('\'{{ lookup("pipe", "echo " ~ inventory_hostname) }}\'', "'{{ groups[\"outer\"] }}'", "'{{ group_names }}'"),
    *("'{{ 1000 | random(seed=inventory_hostname) }}'", "'{{ [1, 2, 3] | shuffle(seed=inventory_hostname) }}'"),
    *(
        "'{{ inventory_dir | basename }}'",
        "'{{ ansible_play_hosts_all }}'",
        "'{{ ansible_facts.nothing | default(\"none\") }}'",
    ),
    *(
        "'{{ nothing_there }}'",
        "'{{ nothing_there | default(REF) }}'",
        '\'{{ query("inventory_hostnames", "pair") }}\'',
    ),
    *('\'{{ lookup("template", here ~ "/note") }}\'', "'{{ REF is string }}'", "'{{ now(utc=true).year }}'"),
    *("'{{ omit }}'", '\'{{ lookup("password", "/dev/null seed=" ~ inventory_hostname) }}\'', "'{{ undef() }}'"),
    *("'{{ kept | default(REF) }}'", "'{{ kept | default(\"nothing yet\") }}'", '\'{{ "{{" }} REF {{ "}}" }}\''),
)
"""Values that are made of others; REF is one that comes before."""
PLACES = (
    *("hosts.yml:all", "hosts.yml:outer", "hosts.yml:pair", "hosts.yml:rest", "hosts.yml:a", "hosts.yml:b"),
    *("group_vars/all.yml", "group_vars/all.yml", "group_vars/outer/more.yml", "group_vars/pair.yaml"),
    *("group_vars/rest/x.yml", "group_vars/ungrouped", "host_vars/a.yml", "host_vars/b/x.yml", "host_vars/c.json"),
    *("group_vars/pair/vault.yml", "host_vars/c/vault.yml"),
)
"""Where a variable may be set."""
Texts = dict[str, str]


def variables(random: Random) -> dict[str, Texts]:
    """For each of `PLACES` what is set there: YAML by the name of the variable."""
    placed: dict[str, Texts] = {}
    for number, name in enumerate(NAMES):
        everywhere = ["group_vars/all.yml", "hosts.yml:all", "group_vars/outer/more.yml"]
        for place in (random.choice(everywhere), *random.sample(PLACES, random.choice((0, 1, 2)))):
            placed.setdefault(place, {})[name] = _value(random, number)
    return placed


def _value(random: Random, number: int) -> str:
    if number and random.choice((True, False)):
        return random.choice(TEMPLATES).replace("REF", f"v{random.randrange(number)}")
    return random.choice(LITERALS)


def inventory(placed: Mapping[str, Texts], reached: Mapping[str, Texts]) -> Texts:
    """The files of an inventory, by name, of hosts that are `reached` so."""
    files: dict[str, str] = {}
    own = {name: {**placed.get(f"hosts.yml:{name}", {}), **reached[name]} for name in HOSTS}
    lines = ["all:", *_vars(placed.get("hosts.yml:all", {}), 1), "  children:", "    outer:", "      children:"]
    for group, hosts in (("pair", HOSTS[:2]), ("rest", HOSTS[2:])):
        lines += [f"        {group}:", *_vars(placed.get(f"hosts.yml:{group}", {}), 5), f"{' ' * 10}hosts:"]
        for name in hosts:
            lines += [f"{' ' * 12}{name}:", *(f"{' ' * 14}{key}: {text}" for key, text in own[name].items())]
    lines += _vars(placed.get("hosts.yml:outer", {}), 3)
    files["hosts.yml"] = "\n".join(lines) + "\n"
    files["host_vars/localhost.yml"] = f"ansible_python_interpreter: {PYTHON}\n"
    for place, texts in placed.items():
        if not place.startswith("hosts.yml"):
            text = "".join(f"{key}: {text}\n" for key, text in texts.items())
            files[place] = encrypted(text) if "vault" in place else text
    return files


def _vars(texts: Texts, depth: int) -> list[str]:
    return (
        [f"{'  ' * depth}vars:", *(f"{'  ' * (depth + 1)}{key}: {text}" for key, text in texts.items())]
        if texts
        else []
    )
