"""From the steps of a page to those of a runbook: what a machine can do becomes an action, the rest is for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from runner.definition.markdown import phrases
from runner.definition.markdown.carried import merged, read
from runner.definition.markdown.commands import Action, Output, Refusal, actions, language
from runner.definition.markdown.page import PageStep, Part, fence
from runner.definition.markdown.phrases import TODO
from runner.definition.markdown.said import Notes, Said, joined

_RESERVED = ("prerequisite-", "undo-", "recheck-")
_LONGEST_ID = 60


class Steps:
    """Drafts steps; `lost` is what found no place in them."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.lost: list[Said] = []
        self._ids: set[str] = set()
        self._inputs: dict[str, dict[str, str]] = {}

    def inputs(self) -> dict[str, dict[str, str]]:
        """The inputs that the commands drafted so far need."""
        return dict(self._inputs)

    def drafted(self, steps: Sequence[PageStep]) -> list[dict[str, Any]]:
        """The steps of a runbook that `steps` become, each one or several."""
        return [made for step in steps for made in self._step(step)]

    def _step(self, step: PageStep) -> list[dict[str, Any]]:
        if step.carried is None:
            return self._shown(step)
        carried = read(step.carried, self.notes)
        notes, self.notes = self.notes, Notes(self.notes.file)  # a step that was exported lacks nothing
        shown = self._shown(step)[0]
        self.notes = notes
        return [merged(shown, carried)]

    def _shown(self, step: PageStep) -> list[dict[str, Any]]:
        found, said = self._acts(step)
        checks = [self._check(check) for check in step.of("check")]
        made = [self._machine(step, act) for act in found] or [self._person(step, said, checks=bool(checks))]
        if found and said:
            made[0] = self._explained(made[0], said)
        for one in made[:-1]:
            one["verify"] = [self._nothing_proves(step)]
        made[-1]["verify"] = checks or [self._nothing_proves(step)]
        return made

    def _acts(self, step: PageStep) -> tuple[list[Action], list[Said]]:
        """What a machine does in the step, and what is said beside it."""
        acts: list[Action] = []
        said: list[Said] = []
        for part in step.parts:
            if part.kind == "fence" and language(part.info) and not step.alternative:
                for found in actions(Said(part.said.text, part.said.line + 1), part.info):
                    acts += [found] if isinstance(found, Action) else []
                    said += list(self._unused(found, part)) if not isinstance(found, Action) else []
            elif part.kind != "check":
                said.append(Said(part.source, part.said.line))
                self._text_only(part, step)
        return acts, said

    def _text_only(self, part: Part, step: PageStep) -> None:
        if part.kind != "fence":
            return
        if step.alternative:
            message, hint = "is done only if it applies, so that a person does it", "a step of its own would do it"
        elif part.info:
            message, hint = f"nobody can say how to do {part.info.split()[0]!r}; it stays text", ""
        else:
            message, hint = "says no language; it stays text", "```bash or ```sql would make it a command"
        self.notes.note(part.said.line, "import-text", f"the fence {message}", hint)

    def _unused(self, found: Refusal | Output, part: Part) -> Iterator[Said]:
        if isinstance(found, Output):
            self.lost.append(found.said)
            return
        self.notes.warn(found.said.line, "import-command", f"the command stays text: {found.why}", "a person does it")
        marks = fence(found.said.text)
        yield Said(f"{marks}{part.info}\n{found.said.text}\n{marks}", found.said.line)

    def _machine(self, step: PageStep, act: Action) -> dict[str, Any]:
        for name, stands_for in act.inputs.items():
            self._inputs.setdefault(name, {"help": f"{TODO}: what {stands_for} stands for"})
            self.notes.note(act.line, "import-input", f"{stands_for} is the input `{name}` here", "say what it is")
        return {"id": self._id(step), "name": self.notes.title(step.title) or TODO, **act.keys}

    def _person(self, step: PageStep, said: list[Said], *, checks: bool) -> dict[str, Any]:
        made: dict[str, Any] = {"id": self._id(step), "name": self.notes.title(step.title) or f"{TODO}: a name"}
        text = self.notes.prose(joined(said)) if said else ""
        if text or not checks:
            self.notes.note(step.title.line, "import-manual", "no command says how it is done: a person does it")
            made["manual"] = text or made["name"]
        return made

    def _explained(self, made: dict[str, Any], said: list[Said]) -> dict[str, Any]:
        head = {key: made[key] for key in ("id", "name")}
        return {**head, "why": self.notes.prose(joined(said)), **{key: made[key] for key in made if key not in head}}

    def _check(self, said: Said) -> dict[str, Any]:
        code = phrases.exit_code(said.text)
        if code is not None:
            return {"says": self.notes.title(said), "exit": code}
        hint = "`that`, `sql`, `http`, `command` or `exit` would prove it"
        self.notes.note(said.line, "import-confirm", "only a person can tell whether this is so", hint)
        return {"confirm": self.notes.title(said) or TODO}

    def _nothing_proves(self, step: PageStep) -> dict[str, str]:
        self.notes.warn(step.title.line, "import-unverified", "the page does not say how one sees that it is done")
        return {"confirm": f"{TODO}: how one sees that it is done"}

    def _id(self, step: PageStep) -> str:
        slug = phrases.slug(step.title.text)[:_LONGEST_ID].strip("-")
        if not slug[:1].isalpha() or slug.startswith(_RESERVED):
            slug = f"step-{slug}"[:_LONGEST_ID].strip("-")
        number, name = 1, slug
        while name in self._ids:
            number += 1
            name = f"{slug[: _LONGEST_ID - 4].strip('-')}-{number}"
        self._ids.add(name)
        return name
