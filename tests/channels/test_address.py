"""A page goes over HTTPS, or to this machine; no other address is taken, and none is quoted."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from runner.channels.address import Address

ADDRESS = TypeAdapter(Address)


@pytest.mark.parametrize(
    "url",
    [
        "https://events.pagerduty.com/v2/enqueue",
        "https://hooks.example.com:8443/a?b=c",
        "http://127.0.0.1:8080/",
        "http://127.9.9.9/",
        "http://[::1]:80/x",
        "http://localhost:1/",
    ],
)
def test_a_page_may_go_over_https_or_to_this_machine(url):
    assert ADDRESS.validate_python(url) == url


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://events.pagerduty.com/", "https://"),
        ("http://127.0.0.1.example.com/", "https://"),
        ("http://10.0.0.1/", "https://"),
        ("ftp://127.0.0.1/", "https://"),
        ("https://me:hunter2@example.com/", "user or a password"),
        ("https://me:hunter2/", "whole address"),
        ("https:///path", "whole address"),
        ("events.pagerduty.com", "whole address"),
        ("https://example.com:0/", "whole address"),
        ("https://example.com:65536/", "whole address"),
        ("https://[::1/", "whole address"),
        ("https://exämple.com/", "whole address"),
        ("https://example.com/a b", "whole address"),
        ("https://example.com/a\r\nHost: other", "whole address"),
        ("", "whole address"),
    ],
)
def test_any_other_address_is_refused_with_a_reason_that_does_not_quote_it(url, complaint):
    with pytest.raises(ValidationError) as refused:
        ADDRESS.validate_python(url)
    [fault] = refused.value.errors(include_input=False, include_context=False)
    assert complaint in fault["msg"]
    assert "hunter2" not in fault["msg"]
