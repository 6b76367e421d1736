"""How a step that is made at random is verified: by every kind of verification that works on this machine."""

from __future__ import annotations

from random import Random

from differential.random_steps import GIVES_RC, URL, Document

OF_RESULT: tuple[Document, ...] = (
    {"exit": 0},
    {"exit": 0},
    {"exit": 0},
    {"exit": [0, 3]},
    {"exit": 7},
    {"matches": "^<"},
    {"matches": "."},
    {"json": {"used": 91, "names[0]": "a"}},
    {"says": "It is short", "that": "stdout | length < 100"},
    {"says": "It is another host", "that": "inventory_hostname != 'b'"},
    {"says": "It is known", "that": "nothing.there"},
    {"says": "It is a condition", "that": "stdout"},
    {"says": "Both hold", "that": ["rc == 0", "flavour == 'plain'"]},
    {"says": "A list that grows", "that": "own_list.append('x') or own_list | length == 2"},
)
"""What judges a command that the step has done."""

COMMANDS: tuple[Document, ...] = (
    {"says": "It is there", "command": "sh -c 'test -e looks-NAME || echo x >> looks-NAME'", "exit": 0},
    {
        "says": "It comes",
        "command": "sh -c 'echo x >> {{ here }}/looks-NAME; test $(wc -l < {{ here }}/looks-NAME) -ge 3'",
    }
    | {"exit": 0, "within": "60s", "every": "100ms"},
    {"says": "It never comes", "command": "test {{ inventory_hostname }} = a", "exit": 0}
    | {"within": "300ms", "every": "200ms"},
    {"says": "It stays", "command": "echo 5", "that": "stdout | int < 6", "hold_for": "300ms", "every": "100ms"},
    {"says": "It falls away", "command": "echo 5", "that": "stdout | int < 4", "hold_for": "300ms", "every": "100ms"},
    {"says": "It is the host", "command": "echo b", "that": "stdout == inventory_hostname"},
    {"says": "It may", "command": "id -un", "matches": "^(root|nobody)$", "become": True},
    {"says": "It is nobody", "command": "id -un", "matches": "^nobody$", "become": True, "become_user": "nobody"},
    {
        "says": "Its environment",
        "command": ["sh", "-c", "echo $GIVEN"],
        "env": {"GIVEN": "{{ token }}"},
        "matches": ".",
    },
    {"says": "It grows", "command": ["sh", "-c", 'echo x >> "$0"; wc -l < "$0"', "{{ here }}/grows-NAME"]}
    | {"trend": {"that": "stdout | float", "rises": None, "by": 1, "within": "30s"}, "every": "100ms"},
    {"says": "It is as before", "command": "echo 4", "baseline": "stdout | int", "that": "stdout | int <= baseline"},
)
"""Probes that are commands."""

SERVICES: tuple[Document, ...] = (
    {"says": "It answers", "http": f"{URL}/ok"},
    {"says": "It is ready", "http": f"{URL}/ok", "json": {"status": "ready", "checks[0].state": "up"}},
    {"says": "It comes", "http": f"{URL}/comes/{{{{ inventory_hostname }}}}/NAME", "within": "60s", "every": "100ms"},
    {"says": "It is down", "http": f"{URL}/status/503", "that": "status in [-1, 503]"},
    {"says": "Nobody answers", "http": f"{URL}/nothing", "that": "status == 200"},
    {"says": "It stays", "http": f"{URL}/ok", "hold_for": "300ms", "every": "100ms"},
    {"says": "There are orders", "sql": "SELECT count(*) AS orders FROM orders", "that": "row.orders == 20000"},
    {"says": "There are none", "sql": "SELECT id FROM orders WHERE id < 0", "that": "rows | length == 0"},
    {"says": "It cannot be asked", "sql": "SELECT nothing FROM orders", "that": "row.nothing"},
    {
        "says": "The build is good",
        "pipeline": {"http": {"url": f"{URL}/pipelines/7?{{{{ inventory_hostname }}}}"}, "conclusion": "json.state"},
    }
    | {"within": "60s", "every": "100ms"},
    {
        "says": "The build is bad",
        "pipeline": {"http": {"url": f"{URL}/pipelines/8?{{{{ inventory_hostname }}}}"}, "conclusion": "json.state"},
    }
    | {"within": "60s", "every": "100ms"},
    {"says": "It is low", "metric": {"from": "prometheus", "query": "up", "that": "value < 4", "url": URL}},
    {"says": "It is high", "metric": {"from": "prometheus", "query": "up", "that": "value > 4", "url": URL}},
    {
        "says": "It resolves",
        "alert_resolved": {"prometheus": URL, "alert": "High", "data": "vector(1)"},
        "within": "1s",
    },
    {"says": "Somebody is on call", "oncall": {"schedule": "PABC123", "token": "{{ token }}", "url": "SERVICE_URL"}},
    {"confirm": "It looks well"},
)
"""Probes of something that is not the host."""

LOOKS: tuple[Document, ...] = (
    {"file": {"path": "/etc/passwd", "contains": "root", "owner": "root"}},
    {"file": {"path": "/no/such", "exists": False}},
    {"file": {"path": "{{ here }}/mark", "newer_than": "1h"}},
    {"port": {"open": 9}},
    {"port": {"closed": 9, "from": "localhost", "address": "127.0.0.1"}},
    {"process": {"name": "no-such-process", "count": 0}},
    {"process": {"name": "no-such-process"}},
    {"service": {"name": "no-such-unit"}},
    {"certificate": {"file": "/no/such"}},
    {"disk": {"path": "/no/such", "free": "1 %"}},
)
"""Looks at the host."""


def verifications(random: Random, action: Document) -> list[Document]:
    """One or two for a step that does that."""
    of_result = any(kind in action for kind in GIVES_RC)
    pools = [(OF_RESULT, 6.0 if of_result else 0.0), (COMMANDS, 3.0), (SERVICES, 1.0), (LOOKS, 1.0)]
    chosen = random.choices([pool for pool, _ in pools], weights=[weight for _, weight in pools], k=2)
    count = random.choice((1, 1, 2))
    return [dict(random.choice(pool)) for pool in chosen[:count]]
