"""`that`: conditions in Ansible's expression language."""

from __future__ import annotations

import pytest

from runner.kinds.verifications.that import That


@pytest.mark.parametrize(
    ("written", "conditions"),
    [
        ("rc == 0", ("rc == 0",)),
        (["row.a > 1", "'}}' in stdout"], ("row.a > 1", "'}}' in stdout")),
        ("rows | map(attribute='a') | list | length > 0", ("rows | map(attribute='a') | list | length > 0",)),
        ("a\nand b", ("a\nand b",)),
        ("a if b else c", ("a if b else c",)),
    ],
)
def test_conditions_stay_as_they_are_written(written, conditions, short):
    that = That.model_validate({"that": written})
    assert that.conditions(None) == conditions
    assert that.describe() == " and ".join(conditions)
    assert (that.probe(short), that.held(), that.good_exits) == (None, None, ())


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("{{ rc == 0 }}", "is an expression already; write it without {{ }}"),
        ("{% if rc %}x{% endif %}", "is an expression already; write it without {{ }}"),
        ("rc = 0", "is not a Jinja expression: expected its end, got '='; to compare, write =="),
        ("rc ==", "is not a Jinja expression: it ends too early"),
        ("", "is not a Jinja expression: Expected an expression, got its end"),
        ("a) or (b", "is not a Jinja expression: unexpected ')'"),
        ("a }} b", "is not one Jinja expression"),
        ("a, b", "is several expressions; write each as an item of its own"),
        ("1 == 1", "looks at nothing, so it is always the same"),
        ("true", "looks at nothing, so it is always the same"),
        (True, "Input should be a valid string"),
        ([], "is an empty list"),
    ],
)
def test_what_it_refuses(written, sentence, refusals):
    assert refusals(That, that=written) == [sentence]
