"""`assumed-knowledge`: a sentence that only helps who knows already."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule, quoted

_ASSUMES = re.compile(
    r"""(?ix)\b(?:
    as\ (?:usual|always|you\ know|everybody\ knows|everyone\ knows|we\ (?:always\ )?do|we\ did|last\ time|before\ with)
    | (?:the|our|your)\ usual\ \w+ | (?:the\ way\ )?(?:that\ )?we\ always\ (?:do|did|use) | you\ already\ have
    | (?-i:[Aa]sk\ (?!PagerDuty)[A-Z][a-z]+)\ (?:how|what|where|which|for|to|if|about)
    | (?:in\ )?the\ (?:normal|customary)\ (?:way|steps?|procedure|place|commands?|people|person|checks?)
    | (?:he|she|they|who)\ knows?\ (?:how|what|where|which|the|this|it)
    | (?<!if\ )(?<!once\ )(?<!when\ )(?<!sure\ )(?<!that\ )(?<!so\ )(?<!than\ )(?<!until\ )you\ (?:already\ )?know
      \ (?:how|what|where|the|which|who|when)
    | you(?:'ll|\ will)\ know | you\ were\ (?:given|told|shown|taught|trained)
    | every(?:one|body)\ (?:knows|uses) | of\ course | self[- ]explanatory | needless\ to\ say
    | (?<!non-)(?<!not\ )(?<!n't\ )(?<!less\ )(?<!no\ )(?<!nothing\ )(?<!anything\ )obvious(?:ly)?
    | like\ (?:last\ time|we\ always\ do|always) | same\ as\ (?:always|last\ time|usual)
    | simply\ [a-z]+ | just\ (?:do|fix|restart|run|use|check|ask|log|call|deploy|clean|follow|handle|apply)
    | standard\ (?:\w+\ )?(?:procedure|steps|commands?|checks?)
    | ask\ (?:around|somebody|someone|a\ colleague|the\ usual)
    | (?:use|do|apply|follow)\ (?:your\ )?(?:common\ sense|best\ judgement|best\ judgment|experience)
    | should\ be\ (?:clear|familiar|obvious) | well[- ]known\ (?:steps|procedure|way|command)
    )\b"""
)


def _find(context: LintContext) -> Iterator[Hit]:
    for place, text in context.sentences():
        if match := _ASSUMES.search(text):
            message = f"{quoted(match[0])} says nothing to whoever does this for the first time"
            yield Hit(place, message, "write what is done, for somebody's first day", fragment=match[0])


RULE = Rule(
    id="assumed-knowledge",
    level=Level.WARNING,
    criterion=Criterion.ACTIONABLE,
    problem="A runbook is written for somebody's first day on call; who knows already needs no runbook.",
    wrong="""\
steps:
  - id: restart
    name: Restart the workers
    manual: Restart the workers in the usual way.
    verify: [{confirm: Four workers are listed on the page Workers}]
""",
    right="""\
steps:
  - id: restart
    name: Restart the workers
    manual: Open the page Workers of the console, and press Restart beside each of the four workers.
    verify: [{confirm: Four workers are listed on the page Workers}]
""",
    find=_find,
)
