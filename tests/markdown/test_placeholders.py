"""Placeholders become inputs that are bound, quoted where a shell would split them, and refused where that is unclear."""

from __future__ import annotations

import pytest

from runner.markdown.placeholders import bind_shell, bind_sql, input_name


@pytest.mark.parametrize(
    ("text", "bound", "names"),
    [
        ("kill <pid>", 'kill "${PID}"', {"PID": "pid"}),
        ('echo "<pod name> is"', 'echo "${POD_NAME} is"', {"POD_NAME": "pod_name"}),
        ("echo 'a <b> c'", "echo 'a '\"${B}\"' c'", {"B": "b"}),
        ("deploy v${VERSION}", "deploy v${VERSION}", {"VERSION": "version"}),
        ("echo $HOME ${X:-1} $1", "echo $HOME ${X:-1} $1", {}),
        ("X=1; echo $X", "X=1; echo $X", {}),
        ("sort < in > out", "sort < in > out", {}),
        ("# of <pod>\nkill <pid>", '# of <pod>\nkill "${PID}"', {"PID": "pid"}),
    ],
)
def test_in_a_shell(text, bound, names):
    made = bind_shell(text)

    assert (made.text, made.names) == (bound, names)


@pytest.mark.parametrize("text", ["cat <<EOF\n<x>\nEOF", 'echo "<x>', "echo `ls <x>`"])
def test_where_the_quoting_is_unclear_it_is_refused(text):
    with pytest.raises(ValueError, match="cannot be told"):
        bind_shell(text)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("SELECT <pid>", "SELECT %(pid)s"),
        ("SELECT '<pid>'", "SELECT %(pid)s"),
        ("SELECT '${PID}' -- <x>", "SELECT %(pid)s -- <x>"),
        ("SELECT 1 WHERE a <b> c", "SELECT 1 WHERE a %(b)s c"),
    ],
)
def test_in_sql(text, bound):
    assert bind_sql(text).text == bound


def test_within_a_longer_quotation_nothing_can_be_bound():
    with pytest.raises(ValueError, match="within a quotation"):
        bind_sql("SELECT 'a <b>'")


@pytest.mark.parametrize(
    ("word", "name"),
    [("my-pvc", "my_pvc"), ("1st", "value_1st"), ("hosts", "hosts_value"), ("é", "value"), ("A B", "a_b")],
)
def test_what_an_input_is_called(word, name):
    assert input_name(word) == name
