"""Text stays text, ids become links where they lead somewhere, and the policy names exactly our style and script."""

from __future__ import annotations

import base64
import hashlib

import pytest

from runner.render.site.site_html import environment, linked, policy


def href(name):
    return {"RUN-001": "RUN-001.html", "MON-005": "registry.html#MON-005"}.get(name, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See RUN-001.", 'See <a href="RUN-001.html">RUN-001</a>.'),
        ("(MON-005)", '(<a href="registry.html#MON-005">MON-005</a>)'),
        ("RUN-404 and XRUN-001, RUN-0011, SHA-256", "RUN-404 and XRUN-001, RUN-0011, SHA-256"),
        ("<RUN-001>&\"'", '&lt;<a href="RUN-001.html">RUN-001</a>&gt;&amp;&#34;&#39;'),
        ("javascript:alert(1)", "javascript:alert(1)"),
        (
            "See https://wiki.example/a?b=1&c=RUN-001.",
            'See <a href="https://wiki.example/a?b=1&amp;c=RUN-001">https://wiki.example/a?b=1&amp;c=RUN-001</a>.',
        ),
        ("(http://a/)", '(<a href="http://a/">http://a/</a>)'),
        ("https://", "https://"),
        (
            "run `psql -c '<b>'` of RUN-001 ``",
            'run <code>psql -c &#39;&lt;b&gt;&#39;</code> of <a href="RUN-001.html">RUN-001</a> ``',
        ),
        ("{{ a }}{% b %}", "{{ a }}{% b %}"),
        ("", ""),
    ],
)
def test_only_ids_that_lead_somewhere_are_links(text, expected):
    assert str(linked(text, href)) == expected


def test_the_policy_allows_this_style_and_script_and_nothing_else():
    digest = base64.b64encode(hashlib.sha256(b"s").digest()).decode()

    assert policy("s", "s") == (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def test_templates_escape_whatever_they_are_given():
    made = environment(href)

    assert made.from_string("{{ a }}").render(a="<script>{{ 7 * 7 }}") == "&lt;script&gt;{{ 7 * 7 }}"
