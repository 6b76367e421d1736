"""A pasted session is typed again as it was typed, or not at all."""

from __future__ import annotations

import pytest

from runner.markdown.shell_session import Session, is_unfinished, opened_shell, read_session


@pytest.mark.parametrize(
    ("text", "session"),
    [
        ("$ uptime\n 10:00 up\n$ df -h\n", Session(("uptime", "df -h"), (1,))),
        (
            "$ for h in a b; do\n> ssh $h uptime\n> done\nup\n",
            Session(("for h in a b; do\nssh $h uptime\ndone",), (3,)),
        ),
        ("$ kubectl get pods |\ngrep Error\n$ date", Session(("kubectl get pods |\ngrep Error", "date"))),
        (
            "$ cat <<EOS | kubectl apply -f -\nkind: X\nEOS\n$ date",
            Session(("cat <<EOS | kubectl apply -f -\nkind: X\nEOS", "date")),
        ),
        ("$ cat <<EOS\n> kind: X\n> EOS", Session(("cat <<EOS\nkind: X\nEOS",))),
        ("$ echo 'a\nb'\na\nb", Session(("echo 'a\nb'",), (2, 3))),
        ("$ curl \\\n  -s x\nok", Session(("curl \\\n  -s x",), (2,))),
        ("$ ls\n> not a second prompt", Session(("ls",), (1,))),
        ("[root@db1 ~]# date\n[root@db1 ~]# uptime", Session(("date", "uptime"))),
    ],
)
def test_a_command_goes_on_for_as_long_as_bash_waits_for_more(text, session):
    assert read_session(text) == session


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("$ kubectl get pods\n[admin@gw]$ ip route", "it is typed in several places: admin@gw, here"),
        ("alice@web1:~$ date\nalice@web2:~$ date", "it is typed in several places: alice@web1, alice@web2"),
        ("$ for h in a; do\n$ date", "the command has no end in the session"),
        ("$ cat <<EOS\nkind: X", "the command has no end in the session"),
    ],
)
def test_what_cannot_be_typed_again_in_a_row_says_why(text, problem):
    assert read_session(text).problem == problem


@pytest.mark.parametrize(
    "code", ["echo 'a", "if true; then", "a |", "a &&", "cat <<X\nb", "a \\", "f() {", 'echo "$(date']
)
def test_bash_waits_for_more(code):
    assert is_unfinished(code)


@pytest.mark.parametrize("code", ["echo a", "a | b", "fi", "cat <<X\nb\nX", "a \\\\", "for x in a; do b; done", "é $ö"])
def test_bash_does_not_wait(code):
    assert not is_unfinished(code)


@pytest.mark.parametrize(
    "line",
    [
        *(
            "ssh db1",
            "ssh -i key -p 22 root@db1",
            "ssh -A db1",
            "su - postgres",
            "sudo -i",
            "sudo su -",
            "sudo -u app -i",
        ),
        *(
            "kubectl exec -it web-1 -- bash",
            "docker exec -ti db sh",
            "psql -h db1 shop",
            "sudo -u postgres psql",
            "oc debug node/x",
            "bash",
        ),
    ],
)
def test_what_follows_a_shell_that_was_opened_is_typed_there(line):
    assert opened_shell(f"# first\n{line}\nsystemctl restart x\n") == line
    assert opened_shell(line) == line


@pytest.mark.parametrize(
    "line",
    [
        *("ssh db1 uptime", "ssh db1 'systemctl restart x'", "sudo systemctl restart x", "su postgres -c 'psql'"),
        *("kubectl exec web-1 -- date", "psql -c 'SELECT 1'", "psql shop < dump.sql", "sudo -u postgres psql -f x.sql"),
    ],
)
def test_a_command_for_elsewhere_comes_back(line):
    assert opened_shell(f"{line}\nsystemctl restart x\n") == ""
