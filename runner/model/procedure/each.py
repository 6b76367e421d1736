"""`each` of a step: the list for each item of which it is done, and what must be right about such a step."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, Strict

from runner.core.fields import Model
from runner.core.templates import check_templates, only_expression
from runner.core.wording import counted
from runner.model.mentions import mentioned_in
from runner.model.names import ITEM, NUMBER
from runner.model.yaml.finding import Place

if TYPE_CHECKING:
    from runner.model.step import Step

MOST_ITEMS = 1000
_WRITE = 'write each: "{{ name }}" with the name of a captured list, or the list itself'


def _items(value: Any) -> Any:
    if isinstance(value, str) and only_expression(value) is None:
        raise ValueError(f"is not one `{{{{ template }}}}`; {_WRITE}")
    if not value:
        raise ValueError(f"is an empty list; {_WRITE}")
    return check_templates(value)


class Each(Model):
    """A step is done once for each item of the list `of`: a template, or the items themselves.

    Where there are more than `limit` of them, the step has failed before the first.
    """

    of: Annotated[str | Annotated[tuple[Any, ...], Strict(strict=False)], AfterValidator(_items)]
    limit: Annotated[int, Field(ge=1, le=MOST_ITEMS)] = 100

    @property
    def known(self) -> int | None:
        """How many items there are, where the runbook names them; None where only a run finds out."""
        return None if isinstance(self.of, str) else len(self.of)

    @property
    def count(self) -> str:
        """The same in words, as far as it is known."""
        number = self.limit if self.known is None else self.known
        return f"{'at most ' if self.known is None else ''}{counted(number, 'item')}"

    @property
    def source(self) -> str:
        """Where the items come from, as it is written."""
        return str(only_expression(self.of)) if isinstance(self.of, str) else ", ".join(map(str, self.of))

    def describe(self) -> str:
        """What it adds to a step, in words."""
        return f"for each of {self.source} ({self.count})"


def read_each(value: Any) -> Any:
    """The long form of what is written; the short one is only the list."""
    return value if value is None or isinstance(value, Mapping | Each) else {"of": value}


def faults(at: Place, step: "Step") -> Iterator[tuple[Place, str, str, str]]:
    """What is wrong with a `step` that is done for each item."""
    if step.each is None:
        return
    place = (*at, "each")
    if step.manual or not (step.action or step.automated):
        message = "needs something that a machine does or looks at, and here a person does it"
        yield place, "wrong-each", message, "name the list in the text; whoever does it sees it there"
    if step.action and not step.action.gives_result and not step.manual:
        message = f"does not go with {step.action.key}: what its tasks notify would be done for one item only"
        yield place, "wrong-each", message, "write `loop` in the tasks themselves"
    if mentioned_in([step.each.of], [ITEM, NUMBER]):
        message = f"`{ITEM}` is what each of them will be called, and is not known in the list itself"
        yield place, "wrong-each", message, _WRITE
    for number, verification in enumerate(step.verify):
        if used := mentioned_in(verification.kinds, step.capture):
            message = f"{used[0]} is captured for each item: only a later step knows it, as the list of all of them"
            yield (*at, "verify", number), "wrong-each", message, f"write `{step.capture[used[0]]}` itself"
