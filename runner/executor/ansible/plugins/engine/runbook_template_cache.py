# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what Jinja has compiled: Ansible has the same text compiled again for each task, each host and each attempt.

What a text is compiled to depends on the text and on the settings of its environment alone, as Ansible lets nothing be
computed while it compiles. A text that does not compile is compiled again, so that the error names its own place.
"""

from __future__ import annotations

from ansible._internal._templating._jinja_bits import (
    _TEMPLATE_OVERRIDE_FIELD_NAMES,
    AnsibleEnvironment,
    _TemplateCompileContext,
)
from jinja2.environment import TemplateExpression

MOST = 10_000
"""Texts that are kept."""


class TemplateCache:
    """What takes the place of two methods of an environment of Ansible's."""

    def __init__(self):
        self.codes = {}
        self.compile, self.compile_expression = AnsibleEnvironment.compile, AnsibleEnvironment.compile_expression
        self._expression = None

    def compiled(self, environment, source, *args, **options):
        """In place of `compile`: the code of a whole template, or of what an expression has been parsed to."""
        key = self._expression
        if isinstance(source, str) and not (args or options):
            key = _key(environment, "template", source)
        if key is None:
            return self.compile(environment, source, *args, **options)
        if key not in self.codes:
            self._keep(key, self.compile(environment, source, *args, **options))
        return self.codes[key]

    def expression(self, environment, source, undefined_to_none=True):
        """In place of `compile_expression`."""
        key = _key(environment, "expression", source)
        if code := self.codes.get(key):
            template = environment.template_class.from_code(environment, code, environment.make_globals(None), None)
            return TemplateExpression(template, undefined_to_none)
        self._expression = key
        try:
            return self.compile_expression(environment, source, undefined_to_none)
        finally:
            self._expression = None

    def _keep(self, key, code):
        if len(self.codes) >= MOST:
            self.codes.clear()
        self.codes[key] = code


def _key(environment, kind, source):
    """All that the code depends on."""
    context = _TemplateCompileContext.current(optional=True)
    settings = (getattr(environment, name) for name in _TEMPLATE_OVERRIDE_FIELD_NAMES)
    return (kind, str(source), context and context.escape_backslashes, *settings)


def compiling_computes_nothing():
    """Whether that holds for this Ansible, and no debugger looks at what is compiled."""
    environment = AnsibleEnvironment()
    return not (environment.optimized or environment._debuggable_template_source)
