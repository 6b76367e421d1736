"""Reads the secret that a reference leads to, whatever keeps it."""

import re
from collections.abc import Mapping

from runner.core.secrets import SecretReference, SecretUnavailableError
from runner.kinds import plugins


def look_up(reference: SecretReference, environ: Mapping[str, str]) -> str:
    """The secret; a line break at its end is not part of it.

    Raises:
        SecretUnavailableError: it is not there; the message never quotes what was found.
    """
    store = plugins.secrets().get(reference.kind)
    if store is None:
        why = "is asked for, and there is nobody to ask"
        raise SecretUnavailableError(plugins.why_unknown(reference.kind) or why)
    return re.sub(r"\r?\n\Z", "", store().read(reference, environ))


def is_at_hand(reference: SecretReference) -> bool:
    """Whether to look it up asks neither a person nor a service."""
    store = plugins.secrets().get(reference.kind)
    return store is not None and store.at_hand
