"""A runbook written back as the RUN- template; what the template has no words for is carried along as YAML."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from runner.core.deferred import regex
from runner.kinds import plugins
from runner.markdown import embedded_yaml
from runner.markdown.draft import Given, draft
from runner.markdown.import_findings import Notes
from runner.markdown.page.headings import label
from runner.markdown.page.page import fence
from runner.markdown.page.page_reader import WHOLE, read_page
from runner.markdown.page.procedure import STEP
from runner.markdown.page.source import decode, fact, split

_AFTER = {"deployment": "Post-Deployment", "maintenance": "Post-Maintenance", "recovery": "Post-Recovery"}
_MEANS_SOMETHING = regex(r"\s*(?:[#>~`|=<:\[\\+*-]|\d+[.)]|RUN-|_)")
"""How a line begins that Markdown, or the template, takes for more than text."""


def export(value: Mapping[str, Any]) -> str:
    """The runbook whose file says `value`, as Markdown from which the same runbook is imported."""
    visible = _read(_page(value, {}, {}), value)
    if len(_list(visible, "steps")) != len(_list(value, "steps")):
        return _page(value, dict(value), {})
    steps = {
        number: embedded_yaml.difference(seen, meant)
        for number, (seen, meant) in enumerate(zip(visible["steps"], _list(value, "steps"), strict=True))
    }
    whole = embedded_yaml.difference(_without_steps(visible), _without_steps(value))
    text = _page(value, whole, steps)
    again = _read(text, value)
    same = not embedded_yaml.difference(_without_steps(again), _without_steps(value))
    same = same and not any(map(embedded_yaml.difference, again["steps"], _list(value, "steps")))
    return text if same else _page(value, dict(value), {})


def _without_steps(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key != "steps"}


def _read(text: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is read of `text` again."""
    entries = split(decode(text.encode())).entries
    return draft(read_page(entries[0]), Given(str(value.get("id"))), Notes("")).value if len(entries) == 1 else {}


def _page(value: Mapping[str, Any], whole: Mapping[str, Any], steps: Mapping[int, Mapping[str, Any]]) -> str:
    parts = [
        "\n".join(_head(value)),
        embedded_yaml.write(whole, WHOLE),
        _section("Scope", _scope(value.get("scope"))),
        _section("Prerequisites", [_tick(_title_of(item)) for item in _list(value, "prerequisites")]),
        "## Procedure\n",
        *(_step(number, step, steps.get(number, {})) for number, step in enumerate(_list(value, "steps"))),
        _section("Escalation", _escalation(value.get("escalation"))),
        _section(_AFTER.get(str(value.get("category")), "Post-Incident"), map(_tick, _follow_up(value))),
        f"Linked IDs: {', '.join(map(str, links))}\n" if (links := _list(value, "links")) else "",
    ]
    return "\n".join(part for part in parts if part)


def _head(value: Mapping[str, Any]) -> Iterator[str]:
    yield f"{value.get('id')}: {_line(value.get('title'))}"
    yield f"Category: {str(value.get('category')).capitalize()}"
    yield f"Severity: {value.get('severity')}"
    yield f"Trigger: {_line(_trigger(value.get('trigger')))}"
    yield f"Owner: {_line(value.get('owner'))}"
    yield f"Hosts: {_line(value.get('hosts'))}\n"


def _trigger(trigger: Any) -> str:
    if not isinstance(trigger, Mapping):
        return ""
    if "alert" not in trigger:
        return str(trigger.get("event"))
    return f"{trigger['alert']} alert" + (f" ({trigger['condition']})" if trigger.get("condition") else "")


def _scope(scope: Any) -> Iterator[str]:
    scope = scope if isinstance(scope, Mapping) else {}
    yield from _listed("Handles", map(_line, _list(scope, "handles")))
    yield from _listed("Does NOT handle", map(_excluded, _list(scope, "excludes")))


def _excluded(item: Any) -> str:
    if not isinstance(item, Mapping):
        return _line(item)
    return _line(item.get("what")) + (f" (see {item['see']})" if item.get("see") else "")


def _escalation(policy: Any) -> Iterator[str]:
    policy = policy if isinstance(policy, Mapping) else {}
    yield from _listed("When to escalate", map(_reason, _list(policy, "when")))
    yield from _listed("Who to contact", map(_line, _list(policy, "contacts")))
    yield from _listed("What to provide", map(_line, _list(policy, "provide")))


def _reason(item: Any) -> str:
    if item == "step_failed":
        return "A step fails"
    if not isinstance(item, Mapping):
        return _line(item).replace("_", " ")
    if "unresolved_for" in item:
        return f"Not resolved after {item['unresolved_for']}"
    key, value = next(iter(item.items()), ("", ""))
    return _line(value) if key in {"declared", "that"} else f"{_line(key).replace('_', ' ')}: {_line(value)}"


def _follow_up(value: Mapping[str, Any]) -> Iterator[str]:
    for item in _list(value, "follow_up"):
        yield str(item.get("do")) if isinstance(item, Mapping) else str(item)


def _listed(title: str, items: Iterable[str]) -> Iterator[str]:
    lines = list(items)
    if lines:
        yield f"- **{title}**:"
        yield from (f"  - {item}" for item in lines)


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join([f"## {title}", *written, ""]) if (written := list(lines)) else ""


def _tick(text: str) -> str:
    return f"- [ ] {_line(text)}"


def _title_of(item: Any) -> str:
    """What a prerequisite is called: those that the registry holds by their ids."""
    if not isinstance(item, Mapping):
        return str(item)
    return str(item.get("confirm") or item.get("name") or ", ".join(map(str, _list(item, "criteria"))))


def _step(number: int, step: Any, more: Mapping[str, Any]) -> str:
    step = step if isinstance(step, Mapping) else {}
    excerpt = [str(step[key]) for key in ("why", "manual") if step.get(key)]
    checks = [_tick(_says(item)) for item in _list(step, "verify")]
    parts = [
        f"### Step {number + 1}: {_line(step.get('name'))}\n",
        *(f"{_prose(text)}\n" for text in excerpt),
        _commands(step),
        "\n".join(["Verification:", *checks, ""]) if checks else "",
        embedded_yaml.write(more, STEP),
    ]
    return "\n".join(part for part in parts if part)


def _says(item: Any) -> str:
    if not isinstance(item, Mapping):
        return str(item)
    return str(item.get("confirm") or item.get("says") or next(iter(item.items()), ("", ""))[1])


def _commands(step: Mapping[str, Any]) -> str:
    """The fence of an action whose kind has one; every other action is carried."""
    for key, kind in plugins.steps().items():
        if key in step and kind.fence and (text := kind.fenced(step)):
            return _fenced(kind.fence.info, text)
    return ""


def _fenced(info: str, text: str) -> str:
    marks = fence(text)
    return f"Commands:\n{marks}{info}\n{text.rstrip()}\n{marks}\n"


def _prose(text: str) -> str:
    """`text` in which no line begins like a heading, a list, a label or a fact."""
    lines = text.rstrip().split("\n")
    marked = [bool(_MEANS_SOMETHING.match(line) or fact(line) or label(line)) for line in lines]
    return "\n".join(f"\\{line.lstrip()}" if each else line for line, each in zip(lines, marked, strict=True))


def _line(text: Any) -> str:
    return " ".join(str(text).split())


def _list(value: Mapping[str, Any], key: str) -> Sequence[Any]:
    items = value.get(key)
    return items if isinstance(items, list) else []
