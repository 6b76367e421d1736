"""From the steps of a page to those of a runbook: what a machine can do becomes an action, the rest is for a person."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from runner.core.deferred import dataclass
from runner.core.secrets import is_secret_name
from runner.core.templates import verbatim
from runner.markdown import phrases
from runner.markdown.commands import Assignment, Output, PageAction, Refusal, actions, kind_of
from runner.markdown.embedded_yaml import merged, read
from runner.markdown.import_findings import Excerpt, Notes, joined
from runner.markdown.page.headings import plain
from runner.markdown.page.page import PageStep, Part, fence
from runner.markdown.phrases import TODO
from runner.markdown.placeholders import input_name

_RESERVED = ("prerequisite-", "undo-", "recheck-")
_LONGEST_ID = 60
_LONGEST_NAME = 80
_NO_CHECK = "no verification was found: none stands below `Verification:` or `Expected result:`"


@dataclass(frozen=True, slots=True)
class _Text:
    """Something that a step says, or a fence of it that no machine can do."""

    excerpt: Excerpt
    is_fence: bool = False


class Steps:
    """Drafts steps; `lost` is what found no place in them."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.lost: list[Excerpt] = []
        self._ids: set[str] = set()
        self._used: Counter[str] = Counter()
        self._inputs: dict[str, dict[str, str]] = {}
        self._values: dict[str, str] = {}
        self._opened: dict[int, str] = {}

    def inputs(self) -> dict[str, dict[str, str]]:
        """The inputs that the commands drafted so far need."""
        return dict(self._inputs)

    def drafted(self, steps: Sequence[PageStep]) -> list[dict[str, Any]]:
        """The steps of a runbook that `steps` become, each one or several."""
        return [made for step in steps for made in self._step(step)]

    def _step(self, step: PageStep) -> list[dict[str, Any]]:
        if step.carried is None:
            return self._made(step)
        carried = read(step.carried, self.notes)
        notes, self.notes = self.notes, Notes(self.notes.file)  # a step that was exported lacks nothing
        visible = self._made(step)[0]
        self.notes = notes
        return [merged(visible, carried)]

    def _made(self, step: PageStep) -> list[dict[str, Any]]:
        """What is done, in the order of the page: what a machine does, and between that what a person does."""
        made: list[dict[str, Any]] = []
        before: list[_Text] = []
        for piece in self._pieces(step):
            if isinstance(piece, _Text):
                if made and not before and not piece.is_fence and phrases.is_result(piece.excerpt.text):
                    made[-1].setdefault("verify", []).append(self._check(piece.excerpt))
                else:
                    before.append(piece)
                continue
            by_hand, before = _by_hand(before, first=not made)
            if by_hand:
                made.append(self._person(step, by_hand, first=not made))
            made.append(self._machine(step, piece, before, first=not made))
            before = []
        checks = [self._check(check) for check in step.of("check")]
        if before or not made:
            made.append(self._person(step, before, checks=bool(checks) and not made, first=not made))
        for one in made:
            verifications = [*one.pop("verify", ()), *(checks if one is made[-1] else ())]
            one["verify"] = verifications or [self._nothing_proves(step)]
        return made

    def _pieces(self, step: PageStep) -> Iterator[_Text | PageAction]:
        """What a machine can do in the step, and what is said between."""
        for part in step.parts:
            if part.kind == "fence" and kind_of(part.info, part.excerpt.text) and not step.alternative:
                for piece in actions(Excerpt(part.excerpt.text, part.excerpt.line + 1), part.info):
                    if isinstance(piece, PageAction) and (opens := self._opened.get(step.section)):
                        why = f"it may be typed in what {opens!r} has opened"
                        yield self._refused(Refusal(Excerpt(part.excerpt.text, piece.line), why), part, step)
                    elif isinstance(piece, PageAction):
                        yield piece
                    elif isinstance(piece, Assignment):
                        self._assigned(piece)
                    elif isinstance(piece, Output):
                        self.lost.append(piece.excerpt)
                    else:
                        yield self._refused(piece, part, step)
            elif part.kind != "check":
                yield _Text(Excerpt(part.source, part.excerpt.line), is_fence=part.kind == "fence")
                self._text_only(part, step)

    def _text_only(self, part: Part, step: PageStep) -> None:
        if part.kind != "fence":
            return
        if step.alternative:
            message, hint = "is done only if it applies, so that a person does it", "a step of its own would do it"
        elif part.info:
            message, hint = f"nobody can say how to do {part.info.split()[0]!r}; it stays text", ""
        else:
            message, hint = "says no language; it stays text", "```bash or ```sql would make it a command"
        self.notes.note(part.excerpt.line, "import-text", f"the fence {message}", hint)

    def _assigned(self, assignment: Assignment) -> None:
        """Variables that are set for the commands after them become inputs, as each step has a shell of its own."""
        for variable, value in assignment.values.items():
            self._values[variable] = value
            self._declare(input_name(variable), variable, assignment.line)

    def _declare(self, name: str, stands_for: str, line: int) -> None:
        if name in self._inputs:
            return
        declared = {"help": f"{TODO}: what {stands_for} stands for"}
        value = self._values.get(stands_for.strip("${}"))
        if is_secret_name(name):
            declared = {"type": "secret", **declared}
        elif value:
            declared = {"default": verbatim(value), **declared}
        self._inputs[name] = declared
        self.notes.note(line, "import-input", f"{stands_for} is the input `{name}` here", "say what it is")

    def _refused(self, refusal: Refusal, part: Part, step: PageStep) -> _Text:
        message = f"the command stays text: {refusal.why}"
        self.notes.warn(refusal.excerpt.line, "import-command", message, "a person does it")
        if refusal.opens:
            self._opened[step.section] = refusal.opens
        marks = fence(refusal.excerpt.text)
        return _Text(
            Excerpt(f"{marks}{part.info}\n{refusal.excerpt.text}\n{marks}", refusal.excerpt.line), is_fence=True
        )

    def _machine(self, step: PageStep, act: PageAction, before: Sequence[_Text], *, first: bool) -> dict[str, Any]:
        for name, stands_for in act.inputs.items():
            self._declare(name, stands_for, act.line)
        self._values |= act.sets
        title = step.title if first else _named_by(before, step.title)
        name, why = self.notes.title(title) or TODO, self._prose(before)
        about = {"why": why} if why.strip(" :.") not in {"", name} else {}
        return {"id": self._id(title), "name": name, **about, **act.keys}

    def _person(self, step: PageStep, texts: Sequence[_Text], *, checks: bool = False, first: bool) -> dict[str, Any]:
        title = step.title if first else _named_by(texts, step.title)
        made: dict[str, Any] = {"id": self._id(title), "name": self.notes.title(title) or f"{TODO}: a name"}
        text = self._prose(texts)
        if text or not checks:
            self.notes.note(title.line, "import-manual", "no command says how it is done: a person does it")
            made["manual"] = text or made["name"]
        return made

    def _prose(self, texts: Sequence[_Text]) -> str:
        return self.notes.prose(joined([text.excerpt for text in texts])) if texts else ""

    def _check(self, excerpt: Excerpt) -> dict[str, Any]:
        code = phrases.exit_code(excerpt.text)
        if code is not None:
            return {"says": self.notes.title(excerpt), "exit": code}
        hint = "`that`, `sql`, `http`, `command` or `exit` would prove it"
        self.notes.note(excerpt.line, "import-confirm", "only a person can tell whether this is so", hint)
        return {"confirm": self.notes.title(excerpt) or TODO}

    def _nothing_proves(self, step: PageStep) -> dict[str, str]:
        self.notes.warn(step.title.line, "import-unverified", _NO_CHECK)
        return {"confirm": f"{TODO}: how one sees that it is done"}

    def _id(self, title: Excerpt) -> str:
        slug = phrases.slug(title.text)[:_LONGEST_ID].strip("-")
        if not slug[:1].isalpha() or slug.startswith(_RESERVED):
            slug = f"step-{slug}"[:_LONGEST_ID].strip("-")
        name, beginning = slug, slug[: _LONGEST_ID - 5].strip("-")
        while name in self._ids:
            self._used[beginning] += 1
            name = f"{beginning}-{self._used[beginning] + 1}"
        self._ids.add(name)
        return name


def _by_hand(texts: Sequence[_Text], *, first: bool) -> tuple[Sequence[_Text], list[_Text]]:
    """What a person does before the next command, and what only says why that is done.

    A fence that stays text is done by a person. Of what stands between two commands, only the last text is about the
    second one; what begins a step is about its command as a whole.
    """
    fences = [at for at, text in enumerate(texts) if text.is_fence]
    begin = max([fences[-1] + 1 if fences else 0, 0 if first else len(texts) - 1])
    return texts[:begin], list(texts[begin:])


def _named_by(texts: Sequence[_Text], otherwise: Excerpt) -> Excerpt:
    """The first thing that is said, where it is short enough to name a step."""
    excerpt = texts[0].excerpt if texts and not texts[0].is_fence else otherwise
    line = plain((excerpt.text.strip().splitlines() or [""])[0].lstrip("#>- ")).rstrip(" :")
    fits = 0 < len(line) <= _LONGEST_NAME and not line.startswith(("`", "|"))
    return Excerpt(line, excerpt.line) if fits else otherwise
