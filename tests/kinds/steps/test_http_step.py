"""`http`: a request made by the host, which must be taken well."""

from __future__ import annotations

import pytest

from runner.kinds.invocation import uri
from runner.kinds.steps.http_step import HttpStep


def test_an_address_is_a_request(minute, no_file):
    step = HttpStep.model_validate({"http": "{{ u }}"})
    assert step.invocation(minute, no_file) == uri(
        {"url": "{{ u }}", "method": "GET"}, timeout=minute, accept=(200, 201, 202, 204)
    )
    assert step.describe() == "GET {{ u }}"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"a": "{{ b }}"}, {"body": {"a": "{{ b }}"}, "body_format": "json"}),
        ([1, 2], {"body": [1, 2], "body_format": "json"}),
        ({}, {"body": {}, "body_format": "json"}),
        ("a=b", {"body": "a=b"}),
        ("", {"body": ""}),
        (None, {}),
    ],
)
def test_a_body_of_structure_is_json(body, said, minute, no_file):
    step = HttpStep.model_validate({"http": {"url": "http://a/", "method": "POST", "body": body}, "accept": [302]})
    assert step.invocation(minute, no_file) == uri(
        {"url": "http://a/", "method": "POST", **said}, timeout=minute, accept=(302,)
    )


def test_headers_are_sent(minute, no_file):
    step = HttpStep.model_validate({"http": {"url": "http://a/", "headers": {"Accept": "{{ a }}"}}})
    assert step.invocation(minute, no_file).args["headers"] == {"Accept": "{{ a }}"}


@pytest.mark.parametrize(
    ("written", "sentences"),
    [
        ({"http": "ftp://a/"}, ["must begin with http://, https:// or a template, not 'ftp://a/'"]),
        ({"http": {}}, ["Field required"]),
        ({"http": "http://a/", "accept": []}, ["is an empty list"]),
        ({"http": "http://a/", "accept": [20]}, ["a status is a number from 100 to 599, not 20"]),
    ],
)
def test_what_it_refuses(written, sentences, refusals):
    assert refusals(HttpStep, **written) == sentences


def test_a_body_is_a_template_to_its_leaves(refusals):
    (sentence,) = refusals(HttpStep, http={"url": "http://a/", "body": {"a": [{"b": "{{ c"}]}})
    assert sentence.startswith("is not a template: ")
