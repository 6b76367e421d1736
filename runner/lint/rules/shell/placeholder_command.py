"""`placeholder-command`: something stands where a command is to be written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule, quoted
from runner.model.step import Effect

_PLACEHOLDER = re.compile(
    r"""(?ix)
    (?:\.{2,}|…|-+|\?+|x{2,}|tbd|tba|n/?a|none|foo|bar|baz)
    | <[^<>|]+> | \[(?!\s)[^\[\]]+\] | \{[^{}]+\}
    | (?:\#.*\s*)+
    | (?:echo|printf|print|:)\s+["']?(?:
        .*\b(?:todo|fixme|tbd|placeholder|replace\ ?me|changeme|not\ implemented|dummy)\b.* | \.{3} )
    | .{0,20}\b(?:todo|fixme|tbd)\b.{0,60}
    | (?:your|some|the|my|a)[-_ ](?:\w+[-_ ])?command(?:[-_ ](?:goes[-_ ])?here)? | command(?:[-_ ](?:goes[-_ ])?here)?
    | (?:insert|add|put|enter)\ (?:your\ |the\ )?commands?(?:\ here)?\.?
    | (?:replace|change)[-_ ]?me
    | [A-Z]?[a-z]+\ (?:the|an?|all|your|this)\ [a-z]+(?:\ [a-z]+)*\.?
    | (?:select|values)\s+(?:\.{3}|<[^<>]+>)
    """
)
_PRINTS = re.compile(r"(?:echo|printf)\s[^|>$&;`{]*")
_NOTHING = frozenset({"true", ":", "/bin/true", "exit 0", "pass", "noop", "no-op"})


def _find(context: LintContext) -> Iterator[Hit]:
    for work in context.works():
        text = work.kind.written_text
        if _PLACEHOLDER.fullmatch(text) or (not work.looks and text in _NOTHING):
            yield Hit(work.place, f"{quoted(text)} only stands for a command", "write the command itself")
        elif _PRINTS.fullmatch(text) and not work.looks and work.step.effect is not Effect.READ:
            yield Hit(work.place, f"{quoted(text)} changes nothing, it only prints", "write the command itself")
    for placed in context.procedure():
        action = placed.step.action
        if action and action.human and re.fullmatch(r"\.{2,}|…|<[^<>]+>|\[[^\[\]]+\]", action.written_text):
            yield Hit(
                (*placed.place, action.key), f"{quoted(action.written_text)} tells nobody what to do", "write it out"
            )


RULE = Rule(
    id="placeholder-command",
    level=Level.ERROR,
    criterion=Criterion.COMPLETE,
    problem="A step whose command was never written does nothing, and says that it did.",
    wrong="steps:\n  - {id: fail-over, name: Promote the standby, command: echo TODO, verify: [{exit: 0}]}\n",
    right="steps:\n  - {id: fail-over, name: Promote the standby, command: pg_ctl promote, verify: [{exit: 0}]}\n",
    find=_find,
)
