"""Turns what pages show into HTML, in which no text of a runbook, a host or a person can be more than text."""

import base64
import hashlib
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from runner.core.deferred import regex
from runner.core.identifiers import REFERENCE_ID
from runner.render.markup import template_environment, visible

_LINK = regex(rf"`(?P<code>[^`\n]+)`|(?P<web>https?://[^\s<>\"'`]*[\w/])|(?<![\w-]){REFERENCE_ID.strip('^$')}(?![\w-])")

Href = Callable[[str], str]
"""Where what has an id is told of, relative to any page; empty where it is not."""


def environment(href: Href, **shared: Any) -> Environment:
    """The templates, with what `shared` every page knows."""
    style, script = _own("style.css"), _own("behaviour.js")
    made = template_environment("runner.render.site")
    made.filters |= {"linked": lambda text: linked(text, href)}
    made.globals |= {"href": href, "style": style, "script": script, "policy": policy(style, script), **shared}
    return made


def policy(style: str, script: str) -> str:
    """The Content Security Policy of a page: this style and this script, and nothing else from anywhere."""
    allowed = f"script-src {_hash(script)}; style-src {_hash(style)}; img-src data:"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def linked(text: str, href: Href) -> Markup:
    """`text` with a link at each address and at each id that is told of somewhere; what is in backticks is code."""
    made, end = Markup(), 0
    for match in _LINK.finditer(text):
        where = "" if match["code"] else match[0] if match["web"] else href(match[0])
        if match["code"] or where:
            made += escape(visible(text[end : match.start()]))
        if match["code"]:
            made += Markup("<code>{}</code>").format(visible(match["code"]))
            end = match.end()
        if where:
            made += Markup('<a href="{}">{}</a>').format(visible(where), visible(match[0]))
            end = match.end()
    return made + escape(visible(text[end:]))


def _own(name: str) -> Markup:
    # It is the product's own, and must reach the page byte for byte: the policy has its hash.
    return Markup(files("runner.render.site").joinpath("templates", name).read_text(encoding="utf-8"))  # noqa: S704


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
