"""Texts that some language on the way could take for something else than text."""

from __future__ import annotations

import random

WORDS = (
    *(
        "yes",
        "Yes",
        "no",
        "NO",
        "on",
        "Off",
        "true",
        "True",
        "FALSE",
        "y",
        "n",
        "null",
        "Null",
        "~",
        "none",
        "None",
        "",
    ),
    *("=", "<<", "!", "!!str 1", "!unsafe x", "!vault |", "&a", "*a", "@x", "`x`", "%x", "- x", "? x", "a: b", "# x"),
    *(
        "{",
        "}",
        "[",
        "]",
        "{}",
        "[]",
        "[1, 2]",
        '{"a": 1}',
        "{'a': 1}",
        '{"__ansible_unsafe": "x"}',
        "--- x",
        "...",
        ">",
    ),
    *(
        "1",
        "1.10",
        "0755",
        "0o17",
        "0x1f",
        "1_000",
        "1e3",
        "1e400",
        ".5",
        "-0",
        "+1",
        "12:30:45",
        "190:20:30.15",
        "-.inf",
    ),
    *(".nan", "NaN", "Infinity", "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01 1:2:3.4 +5", "00:16:3e:00:00:01"),
    *(
        "{{ 7 * 7 }}",
        "{{ lookup('pipe', 'id') }}",
        "{% raw %}",
        "{# x #}",
        "{{",
        "}}",
        "%}",
        "{{ x",
        "omit",
        "__omit__",
    ),
    *(" x", "x ", "\tx", "x\n", "\nx", "\n", " ", "a\nb", "a\r\nb", "\r", "\x1b[31m", "\x07", "\x7f", "\x85", "a\x85b"),
    *("\u2028", "a\u2029b", "\ufeffx", "\u200b", "é", "e\u0301", "日本", "🚒", "\U000f0000", "\uffff", "\u202ex"),
    *(
        "$HOME",
        "${x}",
        "$(id)",
        "`id`",
        "$((1))",
        "!x",
        "~root",
        "*",
        "a*?",
        ";id",
        "&& id",
        "| id",
        "> x",
        "\\",
        "\\n",
    ),
    *("'", '"', "''", '"x"', "it's", "\\'", "$'x'", "-x", "--", "--help", "-e", "%(x)s", ":'x'", ":x", "E'x'", "--x=y"),
    *("|", "| \n x", "<x>", "&amp;", "```", "***", "__x__", "[x](y)", "1. x", "## x", "x" * 200),
)
"""What means something to YAML, Ansible, Jinja, a shell, SQL, a terminal or Markdown, or looks like another type."""

_PLACES = (
    (0x20, 0x7E),
    (0x01, 0x1F),
    (0x7F, 0xFF),
    (0x100, 0x2FFF),
    (0x3000, 0xD7FF),
    (0xE000, 0xFFFF),
    (0x10000, 0x10FFFF),
)
_WEIGHTS = (60, 6, 8, 8, 8, 5, 5)


def texts(count: int, seed: int) -> list[str]:
    """`count` texts, always the same for the same `seed`: words, numbers, random characters, and mixtures of them."""
    chance = random.Random(seed)
    makers = (_word, _word, _number, _characters, _mixture)
    return [chance.choice(makers)(chance) for _ in range(count)]


def _word(chance: random.Random) -> str:
    return chance.choice(WORDS)


def _number(chance: random.Random) -> str:
    whole = str(chance.randrange(10 ** chance.randint(1, 20)))
    form = chance.choice(
        ("{}", "0{}", "-{}", "{}.0", "{}.10", "{}e5", "1_{}", "{}:59", "0x{}", " {}", "{}.{}.0", "'{}'")
    )
    return form.format(whole, chance.randint(0, 99))


def _characters(chance: random.Random) -> str:
    places = chance.choices(_PLACES, _WEIGHTS, k=chance.randint(0, 12))
    return "".join(chr(chance.randint(*place)) for place in places)


def _mixture(chance: random.Random) -> str:
    parts = [chance.choice((_word, _number, _characters))(chance) for _ in range(chance.randint(2, 4))]
    return chance.choice(("", " ", "\n", "=", ":", ",")).join(parts)[:300]
