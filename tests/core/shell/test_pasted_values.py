"""What reaches a shell as code is found; what is quoted, or only asked about, is not."""

from __future__ import annotations

import pytest

from runner.core.shell.pasted_values import pasted


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("du {{ path }}", [("{{ path }}", 0, False)]),
        ("du {{ path | quote }} {{- path|quote -}}", []),
        ("du '{{ path | quote }}'", [("{{ path | quote }}", 0, True)]),
        ('du "{{ path }}" {{ path }}', [("{{ path }}", 0, True), ("{{ path }}", 1, False)]),
        ("du {{ path | quote | upper }}", [("{{ path | quote | upper }}", 0, False)]),
        ("{% if path %}du{% else %}df{% endif %}{# path #}", []),
        ("{% set other = path %}du {{ other | quote }}", [("{% set other = path %}", 0, False)]),
        ("du `ls {{ path | quote }}`", [("{{ path | quote }}", 0, True)]),
        ("du `ls` '`' \\` $(ls {{ path | quote }})", []),
        ("(( {{ size | quote }} > 1 ))", [("{{ size | quote }}", 0, True)]),
        ("`date`; du {{ path | quote }}", []),
        ("cat <<EOF\n{{ path | quote }}\nEOF\ndu {{ path | quote }}", [("{{ path | quote }}", 0, True)]),
        ("du # {{ path | quote }}\ndu {{ path | quote }}", [("{{ path | quote }}", 0, True)]),
        ("du '{{ path | quote }}", [("{{ path | quote }}", 0, True)]),
        ("du $HOME", []),
    ],
)
def test_what_a_shell_would_obey(code, found):
    assert list(pasted(code)) == found
