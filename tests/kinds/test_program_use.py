"""The programs of a call are those that start on the host: not its shell's own words, not what stands in quotes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.kinds.invocation import Invocation, psql, uri
from runner.kinds.program_use import in_shell, programs
from runner.kinds.steps.command_step import Command
from runner.kinds.steps.shell_step import Shell

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("df -h | sort -n", ["df", "sort"]),
        ("cd /srv && ln -sfn a b; /usr/bin/mv b c", ["ln", "mv"]),
        ("if systemctl is-active nginx; then journalctl -u nginx; fi", ["systemctl", "journalctl"]),
        ("PGHOST=db psql -c 'drop; rm -rf /'", ["psql"]),
        ('echo "$(hostname -f)" `date` "; reboot"', ["hostname", "date"]),
        ("sudo kubectl get pods # helm list", ["kubectl"]),
        ("tar cz dir \\\n | ssh backup cat", ["tar", "ssh", "cat"]),
        ("sudo -u postgres psql -c 'SELECT 1'", ["psql"]),
        ("timeout -k 5 60s pg_dump shop | nice -n 10 gzip", ["pg_dump", "gzip"]),
        ("sudo su - postgres -c 'dropdb shop'; ionice -c 3 env -u X A=1 nohup rsync a b &", ["dropdb", "rsync"]),
        ("find /srv -name '*.gz' -exec gunzip {} \\; | xargs -n 1 -I{} mv {} /old", ["find", "gunzip", "xargs", "mv"]),
        ("kubectl -n shop exec -it deploy/db -- psql -c 'SELECT 1'", ["kubectl", "psql"]),
        ("flock -w 5 /run/x bash -o pipefail -c 'pg_dump | gzip'", ["bash", "pg_dump", "bash", "gzip"]),
        ("f() { jq .; }; f; command -v yq; cat <<'EOF' | psql\ndf; $(du)\nEOF", ["jq", "cat", "psql"]),
        ("x=$(cat f)\nfor i in 1 2; do touch $i; done", ["cat", "touch"]),
        ("{{ tool }} --go; $TOOL; /opt/$version/bin/app; bin-${x}", ["app"]),
        ("", []),
    ],
)
def test_the_programs_of_shell_code(text, names):
    assert list(in_shell(text)) == names


@given(st.text(alphabet="ab/|;&$(){}`\"'\\\n #=-", max_size=80))
def test_any_shell_code_is_looked_at(text):
    assert all(name == name.strip() and "/" not in name for name in in_shell(text))


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (Command(command=("df", "-h")).invocation(MINUTE, str), ["df"]),
        (Command(command=("sudo", "-u", "postgres", "psql")).invocation(MINUTE, str), ["psql"]),
        (Command(command=("timeout", "60s", "pg_dump")).invocation(MINUTE, str), ["pg_dump"]),
        (Command(command=("{{ tool | default('jq') }}",)).invocation(MINUTE, str), ["jq"]),
        (Command(command=("/usr/bin/df",)).invocation(MINUTE, str), ["df"]),
        (Command(command=("bash", "-c", "df | sort")).invocation(MINUTE, str), ["bash", "df", "sort"]),
        (Shell(shell="df | sort").invocation(MINUTE, str), ["df", "sort"]),
        (psql("SELECT 1", {}, timeout=MINUTE), ["psql"]),
        (uri({"url": "http://127.0.0.1/"}, timeout=MINUTE), ["ansible.builtin.uri"]),
        (Command(command=("{{ tool }}",)).invocation(MINUTE, str), []),
        (Invocation("ansible.builtin.service", {"name": "nginx"}), ["ansible.builtin.service"]),
    ],
)
def test_the_programs_of_a_call(call, names):
    assert programs(call) == names
