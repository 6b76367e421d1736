"""A certificate is good when nothing is wrong with it, and nothing will be for as long as is asked for."""

from __future__ import annotations

import pytest

from runner.kinds.verifications.host.certificate_check import Certificate

GOOD = '{"fault": "none", "days_left": 30.0, "names": ["shop.test"]}'


def certificate(**query):
    return Certificate.model_validate({"certificate": query})


@pytest.mark.parametrize(
    ("stdout", "verdict"),
    [
        (GOOD, ""),
        (GOOD.replace("30.0", "29.99"), "facts.days_left >= 30"),
        (GOOD.replace("none", "expired on 2026-01-01"), "facts.fault == 'none'"),
        ("nonsense", "facts.fault == 'none': "),
    ],
)
def test_what_is_found_is_judged(judge, stdout, verdict):
    found = judge(certificate(address="shop.test:443", valid_for="30d"), stdout=stdout)

    assert found.startswith(verdict)
    assert bool(found) == bool(verdict)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("shop.test:443", "shop.test"),
        ("[::1]:443", "::1"),
        ("{{ shop }}:443", "{{ shop }}"),
        ("{{ shop }}", "{% filter regex_replace(':[0-9]+$', '') %}{{ shop }}{% endfilter %}"),
    ],
)
def test_the_name_is_that_of_the_address_where_none_is_given(argv, address, name):
    assert argv(certificate(address=address))[1] == {"LOOK_ADDRESS": address, "LOOK_NAME": name, "LOOK_LIMIT": "4"}


def test_of_a_file_no_name_is_asked_for_unless_one_is_given(argv):
    assert argv(certificate(file="/a.pem"))[1] == {"LOOK_FILE": "/a.pem"}
    assert argv(certificate(file="/a.pem", name="shop.test"))[1] == {"LOOK_FILE": "/a.pem", "LOOK_NAME": "shop.test"}


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ({}, "needs an `address` or a `file`, and not both"),
        ({"address": "a:1", "file": "/a"}, "needs an `address` or a `file`, and not both"),
        ({"file": "/a", "from": "app"}, "looks at a file on the host, for which there is no `ca` and no `from`"),
        ({"address": "shop.test"}, "must be a host and a port, like shop.example:443, not 'shop.test'"),
    ],
)
def test_one_certificate_is_asked_for(refusals, query, complaint):
    assert refusals(Certificate, certificate=query) == [complaint]


def test_it_is_said_in_words():
    kind = certificate(address="10.0.0.1:443", valid_for="30d", name="shop.test")
    assert kind.describe() == "The certificate of 10.0.0.1:443 is valid for 30d for shop.test"
