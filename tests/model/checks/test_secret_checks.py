"""Values of inputs and of hosts stay out of what a shell obeys; that it would obey them is shown by bash itself."""

from __future__ import annotations

import subprocess

import pytest
from ansible.plugins.filter.core import quote
from harness.texts import WORDS
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.core.shell.pasted_values import pasted
from runner.model.checks.secret_checks import SensitiveNames, faults

VALUE = "{{ word | quote }}"
SAFE = (
    f"printf %s {VALUE}",
    f"printf '' ; printf %s \"\"{VALUE}''",
    f"printf %s$'' \\\n  {VALUE}",
    f"# it's a remark\nprintf %s {VALUE}",
    f"cat <<END >/dev/null\nit's\nEND\nprintf %s {VALUE}",
    f"""printf '"' >/dev/null; printf "'" >/dev/null; printf %s {VALUE}""",
    f'value={VALUE}; printf %s "$value"',
    f"if true; then (printf %s {VALUE}); fi",
)
OBEYED = {
    f'echo "{VALUE}"': "$(touch obeyed)",
    f"echo 'a {VALUE}'": ";touch obeyed;",
    f"""echo '"' "{VALUE}" '"'""": "$(touch obeyed)",
    f"cat <<END\n{VALUE}\nEND": "$(touch obeyed)",
    f"true # {VALUE}": "\ntouch obeyed\n",
    f"echo $(( 1 + {VALUE} ))": "a[$(touch obeyed)]",
    f"echo $'it\\'s {VALUE}'": ";touch obeyed;",
    "echo {{ word }}": ";touch obeyed",
    "{% set other = word %}echo {{ other }}": ";touch obeyed",
}


def bash(code, value, directory):
    """What bash makes of `code` with `value` in it, quoted by Ansible's own filter."""
    filled = code.replace(VALUE, quote(value)).replace("{% set other = word %}", "")
    for name in ("word", "other"):
        filled = filled.replace(f"{{{{ {name} }}}}", value)
    return subprocess.run(["bash", "-c", filled], cwd=directory, capture_output=True, check=False).stdout


@pytest.mark.parametrize("code", SAFE)
@settings(max_examples=15, deadline=None)
@given(value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.sampled_from(WORDS))
def test_what_is_taken_as_quoted_is_one_word_to_bash(tmp_path_factory, code, value):
    assert list(pasted(code)) == []
    assert bash(code, value, tmp_path_factory.getbasetemp()) == value.encode()


@pytest.mark.parametrize(("code", "value"), OBEYED.items())
def test_what_bash_would_obey_is_refused_for_inputs_and_for_what_hosts_say(tmp_path, code, value):
    bash(code, value, tmp_path)
    text, captured = {"word": {"help": "A word"}}, {"word": {"type": "int"}}

    found = [
        [fault[1] for fault in faults((), {"shell": code}, known)]
        for known in (SensitiveNames(text, ()), SensitiveNames({}, ["word"]), SensitiveNames(captured, ()))
    ]

    assert (tmp_path / "obeyed").exists()
    assert found == [["input-in-shell"], ["captured-in-shell"], []]


@pytest.mark.parametrize(
    "code",
    [
        "{% for each in word %}kill {{ each.pid | quote }}; {% endfor %}",
        "echo {{ word | int }} '{{ word | length }}' \"{{ (word | first).pid | int }}\"",
        "{% if word == 'x' %}true{% endif %}",
    ],
)
def test_what_cannot_become_code_is_left_alone(code):
    assert list(faults((), {"shell": code}, SensitiveNames({}, ["word"]))) == []
