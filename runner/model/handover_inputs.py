"""Whether a runbook could take over from a step: what is wrong with the inputs that it would be given."""

from collections.abc import Mapping
from typing import Any

from runner.core.secrets import PROMPT
from runner.kinds.values import OtherRunbook
from runner.model.input import InputFault, missing, read_all
from runner.model.runbook import Runbook


def wrong_inputs(runbook: Runbook, to: OtherRunbook, successor: Runbook, inputs: Mapping[str, Any]) -> list[InputFault]:
    """What is wrong with what `runbook` would give `successor`; `inputs` are its own as far as they are known already.

    What is only captured on the way is not known yet, and nothing is said of it.
    """
    takes, mapped = successor.inputs, to.references()
    among = [name for name in mapped if name in takes]
    crossed = [each for name in among if (each := _crossed(runbook, successor, name, mapped[name]))]
    arguments = {name: inputs.get(mapped[name]) if name in mapped else value for name, value in to.inputs.items()}
    later = {name for name in arguments if name in takes and arguments[name] is None} | {each.name for each in crossed}
    values, wrong = read_all(takes, {name: value for name, value in arguments.items() if name not in later})
    unsaid = {name for name in successor.secrets - mapped.keys() if values.get(name) == PROMPT}
    complained = later | {each.name for each in wrong}
    absent = [each for each in missing(takes, values) if each.name not in complained]
    unasked = [InputFault(name, "nobody is asked when a runbook takes over") for name in sorted(unsaid)]
    return [*crossed, *wrong, *absent, *unasked]


def _crossed(runbook: Runbook, successor: Runbook, name: str, reference: str) -> InputFault | None:
    """A secret becomes a secret, and nothing else does."""
    here, there = reference in runbook.secrets, name in successor.secrets
    if here is there:
        return None
    what = "is a secret, and this is none" if here else "is no secret, and this is one"
    return InputFault(name, f"{reference} {what}", f"make both of type secret in {runbook.id} and here")
