"""A text that was compiled before answers as if it were compiled now, whatever it is, and is not compiled again."""

from __future__ import annotations

import pytest
from ansible._internal._templating._engine import TemplateEngine
from ansible._internal._templating._jinja_bits import AnsibleEnvironment
from ansible.errors import AnsibleError
from ansible.template import trust_as_template
from runbook_kept import method
from runbook_template_cache import TemplateCache, compiling_computes_nothing

VARIABLES = {"word": "one", "row": {"used": 91, "size": 100}, "rows": [1, 2], "path": "a\\b"}
TEMPLATES = [
    "{{ word }} {{ row.used >= 0.9 * row.size }}",
    "{{ rows | length }} {{ nothing | default('none') }}",
    "{{ nothing.there }}",
    "{{ word",
    "{{ word | no_such_filter }}",
    "{% for each in rows %}{{ each }}{% endfor %}\n",
    r"{{ path | regex_replace('\\', '/') }} {{ 'a\nb' }}",
    "#jinja2: variable_start_string:'[[', variable_end_string:']]'\n[[ word ]] {{ word }}",
    "{{ [word, row] }}",
]
CONDITIONS = ["row.used > 90", "word == 'two'", "nothing.there", "word ==", r"path is search('\\')", "word", "rows"]


@pytest.fixture
def cache(monkeypatch):
    made = TemplateCache()
    monkeypatch.setattr(AnsibleEnvironment, "compile", method(made.compiled), raising=False)
    monkeypatch.setattr(AnsibleEnvironment, "compile_expression", method(made.expression))
    return made


def told(evaluate, text):
    """What it comes to, or the error with all that it says."""
    try:
        return evaluate(trust_as_template(text))
    except AnsibleError as error:
        return type(error), str(error)


def answers():
    """What each text comes to, for a host of its own."""
    engine = TemplateEngine(variables=dict(VARIABLES))
    templates = [told(engine.template, text) for text in TEMPLATES]
    return templates, [told(engine.evaluate_conditional, text) for text in CONDITIONS]


def test_each_text_comes_to_the_same_however_often_it_is_asked_for(request):
    without = answers()
    request.getfixturevalue("cache")

    assert [answers(), answers()] == [without, without]


def test_nothing_is_compiled_twice(cache, monkeypatch):
    answers()
    compiled = []
    compile_source = AnsibleEnvironment._compile
    note = lambda self, source, filename: compiled.append(source) or compile_source(self, source, filename)  # noqa: E731
    monkeypatch.setattr(AnsibleEnvironment, "_compile", note)

    answers()

    assert compiled == []


def test_a_backslash_means_in_a_condition_what_it_means_there(cache):
    engine = TemplateEngine(variables={"path": "\\"})

    template = engine.template(trust_as_template(r"{{ path == '\\' }}"))
    condition = engine.evaluate_conditional(trust_as_template(r"path == '\\'"))

    assert (template, condition) == (False, True)


def test_chance_is_asked_each_time(cache):
    engine = TemplateEngine(variables={})

    numbers = {engine.template(trust_as_template("{{ 1000000 | random }}")) for _ in range(9)}

    assert compiling_computes_nothing()
    assert len(numbers) > 1


def test_it_does_not_grow_for_ever(cache, monkeypatch):
    monkeypatch.setattr("runbook_template_cache.MOST", 3)
    engine = TemplateEngine(variables={})

    texts = [engine.template(trust_as_template(f"{{{{ {number} }}}}")) for number in range(9)]

    assert (texts, len(cache.codes)) == ([*range(9)], 3)
