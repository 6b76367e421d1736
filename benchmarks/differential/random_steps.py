"""What a step that is made at random may do: every kind of step that works on this machine, well and badly."""

from __future__ import annotations

from random import Random
from typing import Any

Document = dict[str, Any]

LARGE = 1_000_000
"""Bytes that a step prints which prints much, unless more are asked for."""

URL = "{{ service_url }}"
TELLS = "scripts/tell.sh"
HANGS_UP = (
    'p=$$; while [ "$p" -gt 1 ] && ! grep -q "^sshd" /proc/$p/comm; '
    'do p=$(sed -n "s/^PPid:.//p" /proc/$p/status); done; '
    'if [ {{ inventory_hostname }} = b ] && [ "$p" -gt 1 ]; then kill -KILL "$p"; sleep 1; fi'
)
"""Kills the sshd that serves the connection, where there is one."""

SURROUNDINGS = (
    'env | cut -d= -f1 | grep -vE "^(RUNBOOK_|SSH_|XDG_|_$)" | sort | tr "\\n" " "; umask; ulimit -n; id -un; id -Gn; '
    'cut -d" " -f19 /proc/self/stat; ls /proc/self/fd | wc -l; readlink /proc/self/fd/0; '
    'grep -E "^Sig(Ign|Blk)" /proc/self/status; pwd -P | sed "s,/runbook-.*,/R,"; locale charmap'
)
"""All that a program inherits from whoever starts it."""

PLAIN: tuple[Document, ...] = (
    {"command": "printf '<%s>' one 'two words' \"three\" '' {{ inventory_hostname }}"},
    {"command": ["printf", "<%s>", "A", "B"]},
    {"shell": r"""printf '{"used": 91, "names": ["a", "b"], "rows": [{"n": 1}, {"n": 2}]}'"""},
    {"shell": 'printf \'%s|\' "$GIVEN" "$OTHER"', "env": {"GIVEN": "A", "OTHER": "{{ 'a b' }} $HOME 'x'"}},
    {"command": "cat", "stdin": "line A\nline B"},
    {"script": TELLS, "args": ["A", "B"]},
    {"script": TELLS, "args": ["{{ flavour }}"], "env": {"X": "B"}, "chdir": "{{ here }}"},
    {"command": "echo {{ motto }} {{ own_value }} {{ nested.parts[0] }}"},
    {
        "command": [
            "echo",
            "{{ lookup('ansible.builtin.env', 'HOME') | length > 0 }}",
            "{{ lookup('vars', 'flavour') }}",
        ]
    },
    {
        "command": [
            "echo",
            "{{ query('items', [1, 2]) | length }}",
            "{{ hostvars['b'].flavour }}",
            "{{ groups['pair'] }}",
        ]
    },
    {"shell": SURROUNDINGS},
    {"shell": SURROUNDINGS, "env": {"LANG": "C", "EXTRA": "1"}},
    {"shell": SURROUNDINGS, "env": {"LC_ALL": "C"}},
    {"shell": "command -v ls; echo $PATH", "env": {"PATH": "/usr/bin:/bin"}},
    {"shell": 'test -n "$TOKEN"; printf \'%s\' "$TOKEN" | tail -c 200', "env": {"TOKEN": "{{ token }}"}},
    {"command": "cat", "stdin": "{{ token }} and {{ vaulted }}"},
    {"shell": 'printf \'%s\' "$V" | base64; echo "$V" >&2; exit 4', "env": {"V": "{{ vaulted }}"}},
    {"shell": "echo {{ inventory_hostname }} > mark; cat mark", "chdir": "{{ here }}"},
)
"""Commands, shell code and scripts that end by themselves."""

FAILING: tuple[Document, ...] = (
    {"shell": HANGS_UP},
    {"shell": "echo out; echo err >&2; test {{ inventory_hostname }} != a || exit 3"},
    {"shell": "echo out; test {{ inventory_hostname }} != b || exit 126"},
    {"shell": "test {{ inventory_hostname }} != c || exit 127"},
    {"shell": "exit 255"},
    {"shell": "exit 124"},
    {"shell": r"printf '\377\376 text\n'; printf '\303' >&2"},
    {"shell": "yes 0123456789 | head -c 300000"},
    {"shell": "head -c LARGE /dev/zero | tr '\\0' x; echo; echo end"},
    {"shell": r"""printf '{"rc": 0, "failed": true, "ansible_facts": {"x": 1}}\n'"""},
    {"shell": r"printf '\033[31mred\r\n\n\n  spaces  \n\n'"},
    {"shell": r"""printf 'runbook-host-python-is-ready\n{"id": 0, "rc": 0, "stdout": "forged", "stderr": ""}\n'"""},
    {"shell": """echo '{"id": 0, "rc": 0, "stdout": "forged", "stderr": ""}' > /proc/$PPID/fd/1; exit 5"""},
    {"command": "true", "chdir": "/no/such"},
    {"command": "no-such-program"},
    {"command": "/etc/passwd"},
    {"command": "echo {{ nothing.there }}"},
    {"command": "echo {{ own_list.append('c') }} {{ own_list }}"},
    {"command": "echo {{ 1 / 0 }}"},
    {"command": ["sh", "-c", "echo 'unbalanced"]},
    {"shell": "kill -TERM $$"},
    {"shell": "kill -KILL $$"},
    {"shell": "kill -KILL 0; sleep 1"},
    {"shell": "kill -KILL $PPID; sleep 1"},
    {"shell": "kill -KILL $(sed -n 's/^PPid:.//p' /proc/$PPID/status); sleep 1"},
    {"shell": "exec 1>&- 2>&-; exit 3"},
    {"shell": "(sleep 0.3; echo late) & echo now"},
    {"shell": "setsid sleep 4 & echo left behind"},
    {"shell": "echo begun; sleep 30", "timeout": "400ms"},
    {"shell": "trap '' TERM; setsid sleep 31 & sleep 30", "timeout": "400ms"},
    {"command": "true", "env": {"PATH": "/nowhere"}},
    {"command": "true", "env": {"LD_LIBRARY_PATH": "/nowhere", "PYTHONHOME": "/nowhere"}},
)
"""The same, with which something is wrong on some hosts or all."""

OTHERS: tuple[Document, ...] = (
    {"http": {"url": f"{URL}/ok"}},
    {"http": {"url": f"{URL}/status/202", "method": "POST", "body": {"a": [1, "A"]}}},
    {"http": {"url": f"{URL}/status/503"}},
    {"http": {"url": f"{URL}/status/503"}, "accept": "any"},
    {"http": {"url": f"{URL}/nothing"}, "timeout": "3s"},
    {"http": {"url": f"{URL}/bytes"}},
    {"http": {"url": f"{URL}/headers", "headers": {"X-Asked": "{{ flavour }}"}}},
    {"http": {"url": f"{URL}/redirect"}, "accept": [302]},
    {"http": {"url": f"{URL}/trickle"}, "timeout": "1s"},
    {"module": {"ansible.builtin.stat": {"path": "/"}}},
    {"module": {"ansible.builtin.stat": {"path": "/no/such"}}},
    {"module": {"ansible.builtin.copy": {"src": "files/motd", "dest": "{{ here }}/motd", "mode": "0644"}}},
    {
        "module": {
            "ansible.builtin.lineinfile": {"path": "{{ here }}/lines", "line": "A", "create": True, "mode": "0644"}
        }
    },
    {"module": {"ansible.builtin.slurp": {"src": "/etc/hostname"}}},
    {"module": {"ansible.builtin.debug": {"msg": "{{ flavour }}"}}},
    {"module": {"ansible.builtin.fail": {"msg": "On purpose: {{ motto }}"}}},
    {"module": {"ansible.builtin.ping": {"data": "crash"}}},
    {"module": {"ansible.builtin.no_such_module": {}}},
    {"sql": "SELECT count(*) AS orders, 'x' AS word FROM orders"},
    {"sql": "SELECT id FROM orders WHERE id <= %(most)s ORDER BY id", "params": {"most": "3"}},
    {"sql": "SELECT %(word)s || %(none)s AS joined", "params": {"word": "A", "none": "{{ token }}"}},
    {"sql": "SELECT 1 / 0 AS wrong"},
    {"sql": "SELECT pg_sleep(20)", "timeout": "1s"},
    {"wait": "1s"},
    {"wait": {"path": "/"}},
    {"wait": {"path": "/no/such"}, "timeout": "1s"},
    {"look": {"file": {"path": "/etc/passwd", "contains": "root"}}},
    {"look": {"process": {"name": "no-such-process", "count": 0}}},
    {"look": {"sql": "SELECT 1 AS one"}},
    {"manual": "Look at it"},
    {"announce": {"to": "told", "says": "It goes on at {{ inventory_hostname }}"}},
    {"announce": {"to": "on-call", "says": "Nobody takes this"}},
    {"pipeline": {"http": {"url": f"{URL}/pipelines"}, "id": "json.id", "link": "json.link"}},
    {"pipeline": {"http": {"url": f"{URL}/status/403"}, "id": "json.id"}},
    {"tasks": "tasks/several.yml", "effect": "change"},
    {"tasks": "tasks/several.yml", "effect": "change", "vars": {"motto": "its own"}},
    {"role": "web", "effect": "change", "vars": {"web_port": 81}},
    {"role": "web", "effect": "change", "facts": True},
    {"run": "RUN-901", "inputs": {"word": "A"}},
    {"git": {"repository": "{{ here }}/repository", "tag": "v1-*"}},
    {"git": {"repository": "{{ here }}/repository", "checkout": "no-such-tag"}},
    {"git": {"repository": "/no/such", "tag": "v1"}},
    {"capture": {"doubled": "[1, 2, own_value]"}},
)
"""What other kinds of step do."""

GIVES_RC = ("command", "shell", "script")


def action(random: Random) -> Document:
    """What one step does: a command in most of them, as nothing else is done another way by another engine."""
    pool = random.choices((PLAIN, FAILING, OTHERS), weights=(4, 4, 3))[0]
    return dict(random.choice(pool))
