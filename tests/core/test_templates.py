"""Templates are taken apart as Ansible takes them, and what is meant verbatim or literally stays what it is."""

from __future__ import annotations

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.templates import (
    check_template,
    expressions,
    filled,
    filled_expression,
    gives,
    literal,
    names_in,
    only_expression,
    pieces,
    split,
    verbatim,
)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("ls -l /", ["ls", "-l", "/"]),
        ("grep 'a b' \"c d\" e\\ f", ["grep", "a b", "c d", "e f"]),
        ("cat {{ root }}/{{ name | default('a b') }}.txt", ["cat", "{{ root }}/{{ name | default('a b') }}.txt"]),
        ("echo '{{ x }}'y", ["echo", "{{ x }}y"]),
        (
            """docker ps --format '{{ "{{" }}.Names{{ "}}" }}'""",
            ["docker", "ps", "--format", '{{ "{{" }}.Names{{ "}}" }}'],
        ),
        ("", []),
    ],
)
def test_a_command_line_is_split_as_a_shell_would_and_templates_stay_whole(command, words):
    assert split(command) == words


@pytest.mark.parametrize(
    ("text", "found", "only"),
    [
        ("{{ a }}", ["a"], "a"),
        (" {{- a | b -}} ", ["a | b"], "a | b"),
        ("{{ a }}{{ b }}", ["a", "b"], None),
        ("x {{ '}}' }}{% if c %}{{ d }}{% endif %}", ["'}}'", "d"], None),
        ("{{ '{{' }}", ["'{{'"], "'{{'"),
        ("{% if a %}b{% endif %}", [], None),
        ("{# {{ a }} #}{% raw %}{{ b }}{% endraw %}", [], None),
        ("plain", [], None),
        ("", [], None),
    ],
)
def test_the_expressions_in_a_text(text, found, only):
    assert (expressions(text), only_expression(text)) == (found, only)


@pytest.mark.parametrize(
    "text",
    [
        "{{ db.password }}",
        "x:{{ (db['password'] ~ '@') | quote }}",
        "{{ db.get('password', '') }}",
        "{{ db | to_json }}",
        "{{ db.values() | first }}",
        "{{ hostvars[inventory_hostname].db.password }}",
        "{{ hostvars.db1['db']['password'] }}",
        "{{ vars['db'].password }}",
        "{{ lookup('ansible.builtin.vars', 'db').password }}",
        "{% if db.password %}{% endif %}",
        "{{ groups.web | map('extract', hostvars, 'db') | map(attribute='password') | first }}",
        "{{ db.password.upper() }}",
    ],
)
def test_a_part_of_a_variable_is_found_however_it_is_spelled(text):
    assert gives(text, "db.password")
    assert "db" in names_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "db.password",
        "{{ db.name }}",
        "{{ db[key] }}",
        "{{ db.password is defined }}",
        "{{ db | length }}",
        "{{ other.db.password }}",
        "{{ 'db.password' }}",
        "{{ db.password",
    ],
)
def test_what_is_another_part_or_only_tested_is_not(text):
    assert not gives(text, "db.password")


@given(
    st.lists(
        st.sampled_from(
            ["{{ a }}", "{% set a = 1 %}", "{# b #}", "{% raw %}{{{% endraw %}", "text", " ", "\n", "}}", "%"]
        )
    )
)
def test_the_pieces_of_a_text_are_all_of_it(parts):
    assert "".join(piece for _, piece in pieces("".join(parts))) == "".join(parts)


def test_a_quotation_has_an_end():
    with pytest.raises(ValueError, match="^a quotation is not closed$"):
        split("echo 'a")


@pytest.mark.parametrize("text", ["", "plain", "{{ a }}", "${a}", "{% if a %}b{% endif %}", "{ a } % #", "{{ '{#' }}"])
def test_templates(text):
    assert check_template(text) == text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{{ a", "is not a template: unexpected end of template, expected 'end of print statement' (line 1)"),
        ("a\n{% if %}", "is not a template: Expected an expression, got 'end of statement block' (line 2)"),
        (
            "echo ${#a}",
            "is not a template: Missing end of comment tag (line 1); {# begins a template's comment, "
            "so write ${{ '{' }}#name} for ${#name}",
        ),
    ],
)
def test_what_is_no_template_is_told_so(text, sentence):
    with pytest.raises(ValueError, match=".") as caught:
        check_template(text)
    assert str(caught.value) == sentence


def test_what_the_hint_says_is_what_bash_wants():
    assert jinja2.Template("${{ '{' }}#name}").render() == "${#name}"


MARKS = st.lists(
    st.sampled_from(["{", "}", "%", "#", "{{", "}}", "a", "\n", " ", "'", "{% x %}", "{# y"]), max_size=12
).map("".join)


@given(MARKS)
def test_what_is_verbatim_is_left_alone(text):
    assert jinja2.Template(verbatim(text), trim_blocks=True, keep_trailing_newline=True).render() == text


@pytest.mark.parametrize("text", ["{% endraw %}", "a {%- endraw -%}", "{%endraw"])
def test_what_ends_the_verbatim_is_refused(text):
    with pytest.raises(ValueError, match="^holds {% endraw %}, which ends what Ansible leaves alone$"):
        verbatim(text)


@given(
    st.text()
    | st.integers(-(10**15), 10**15)
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False)
)
def test_a_literal_means_what_it_is_made_of_and_is_no_template(value):
    expression = literal(value)
    assert jinja2.Environment().compile_expression(expression, undefined_to_none=False)() == value
    assert not any(mark in expression for mark in ("{{", "}}", "{%", "{#"))


VALUES = {"url": "{{ app_url }}/h", "n": -5, "t": True, "used": "{{ p_used }}", "s": "it's", "e": "{{ a + b }}"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("{{ url }}/x", "{{ app_url }}/h/x"),
        ("{{ n }}", "{{ -5 }}"),
        ("a {{ n }} {{ t }} {{ other }}", "a -5 true {{ other }}"),
        ("{{ url | quote }}", "{{ (app_url ~ '/h') | quote }}"),
        ("{{ x.url | url(url=n) }} {{ s | upper }}", '{{ x.url | url(url=(-5)) }} {{ "it\'s" | upper }}'),
        ("{{- s -}}", '{{- "it\'s" -}}'),
        ("{% if t %}{{ used }}{% endif %}", "{% if true %}{{ p_used }}{% endif %}"),
        ("no template of url", "no template of url"),
    ],
)
def test_a_template_is_filled_as_if_its_author_had_written_the_values(text, meant):
    assert filled(text, VALUES) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("row.used >= used and rows | length > n", "row.used >= p_used and rows | length > (-5)"),
        ("url == s", "(app_url ~ '/h') == \"it's\""),
        ("e * 2", "(a + b) * 2"),
        ("x is url", "x is url"),
        ("'url' in x", "'url' in x"),
    ],
)
def test_the_names_of_an_expression_are_filled_and_nothing_else(text, meant):
    assert filled_expression(text, VALUES) == meant


def test_a_statement_cannot_stand_in_an_expression():
    with pytest.raises(ValueError, match="cannot stand in an expression"):
        filled_expression("x == 1", {"x": "{% if a %}1{% endif %}"})
