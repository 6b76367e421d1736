"""Lint: what a runbook that loads may still have wrong, by the rules and the exceptions in the file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import runner.lint.rules
from runner.core.deferred import dataclass
from runner.kinds import plugins
from runner.kinds.foreign_code import PluginError, guarded
from runner.library.runbook_source import Source
from runner.lint.lint_context import LintContext
from runner.lint.rules.base import Hit, Rule
from runner.lint.suppressions import exemptions
from runner.model.contacts import Contact
from runner.model.yaml.document import Document
from runner.model.yaml.finding import Finding, Level, Position

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@cache
def rules() -> plugins.Group[Rule]:
    """Every rule by its name: our own, and those of other packages."""
    modules = pkgutil.walk_packages(runner.lint.rules.__path__, f"{runner.lint.rules.__name__}.")
    own = [
        item for each in modules for item in vars(importlib.import_module(each.name)).values() if isinstance(item, Rule)
    ]
    return plugins.Group("runbookctl.rules", {rule.id: rule for rule in own}, _id, _guard)


def check_plugins() -> None:
    """That all that other packages register can be used.

    Raises:
        InvalidInputError: something cannot.
    """
    plugins.check((*plugins.problems(), *rules().problems))


def _id(rule: Any) -> str:
    if not isinstance(rule, Rule):
        raise TypeError("it is no Rule")
    return rule.id


def _guard(rule: Rule, entry: EntryPoint) -> Rule:
    """The `rule` of another package, whatever it raises or yields."""
    if (ask := rule.find) is None:
        return rule

    def find(context: LintContext) -> list[Hit]:
        hits = list(ask(context))
        if wrong := [hit for hit in hits if not isinstance(hit, Hit)]:
            raise TypeError(f"it yields {type(wrong[0]).__name__} and must yield Hit")
        return hits

    return replace(rule, find=guarded(find, entry))


@dataclass(frozen=True, slots=True)
class Excepted:
    """A finding that the file excepts, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What lint says about one runbook, in the order of the file."""

    findings: tuple[Finding, ...]
    excepted: tuple[Excepted, ...] = ()


def lint(
    source: Source,
    contacts: Mapping[str, Contact],
    *,
    today: date,
    variables: Iterable[str] | None = None,
    vaulted: Iterable[str] = (),
    reached: Iterable[str] | None = None,
) -> list[Finding]:
    """Every finding about `source` on the day `today` that the file does not except, in the order of the file.

    `variables` are the names that the inventories set; None when there is no inventory to ask. `vaulted` are those that
    ansible-vault has encrypted. `reached` are the contacts whom a page has ever reached, None where nobody can know.
    """
    names = None if variables is None else frozenset(variables)
    known = None if reached is None else frozenset(reached)
    context = LintContext(source, contacts, today, variables=names, vaulted=frozenset(vaulted), reached=known)
    return list(examine(context).findings)


def examine(context: LintContext) -> Report:
    """What the rules say about `context`, without what the file excepts."""
    reasons = {
        (each.rule, document.file, each.line): each.reason
        for _, document in context.texts()
        for each in exemptions(document.text)
        if each.reason
    }
    found = sorted(dict.fromkeys(_finding(context, rule, hit) for rule, hit in hits(context)))
    findings = [each for each in found if (each.rule, each.file, each.line) not in reasons]
    excepted = [Excepted(each, reasons[each.rule, each.file, each.line]) for each in found if each not in findings]
    return Report(tuple(findings), tuple(excepted))


def hits(context: LintContext) -> list[tuple[Rule, Hit]]:
    """What each rule says about `context`, without what another rule says better about the same line."""
    last = rules()["useless-exception"]
    found = [each for rule in rules().values() if rule is not last for each in _found(rule, context)]
    reported = frozenset((rule.id, *line_of(context, hit)) for rule, hit in found)
    findings = [
        (rule, hit)
        for rule, hit in found
        if not any((other, *line_of(context, hit)) in reported for other in rule.gives_way_to)
    ]
    return [*findings, *_found(last, replace(context, rules=frozenset(rules()), reported=reported))]


def _found(rule: Rule, context: LintContext) -> list[tuple[Rule, Hit]]:
    """What `rule` says, each with the rule as it is then.

    A rule of another package that fails is a warning, so that it stops nobody; where the rule is ours, a kind of
    another package has failed that the runbook uses, and nobody knows what that does: it is an error.
    """
    try:
        return [(rule, hit) for hit in (rule.find(context) if rule.find else ())]
    except PluginError as error:
        level = Level.ERROR if rule.id in rules().own else Level.WARNING
        return [(replace(rule, level=level), Hit((), error.message, error.hint))]


def line_of(context: LintContext, hit: Hit) -> tuple[str, int]:
    """The file and the line in which `hit` stands."""
    document, position = _position(context, hit)
    return document.file, position.line


def _position(context: LintContext, hit: Hit) -> tuple[Document, Position]:
    if hit.offset is not None:
        before, document = [text for text in context.texts() if text[0] <= hit.offset][-1]
        return document, document.position_at(hit.offset - before)
    document, offset = (
        context.document.origin(hit.place).document,
        context.document.offset(hit.place, hit.fragment, hit.nth),
    )
    return document, context.document.position(hit.place) if offset is None else document.position_at(offset)


def _finding(context: LintContext, rule: Rule, hit: Hit) -> Finding:
    document, position = _position(context, hit)
    if hit.offset is not None:
        return document.finding_at(hit.place, position, rule.level, rule.id, hit.message, hit.hint)
    return context.document.finding_at(hit.place, position, rule.level, rule.id, hit.message, hit.hint)
