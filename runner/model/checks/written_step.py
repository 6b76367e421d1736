"""A step as it is written: where it stands, and with the environment that its runbook gives to all of them."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from runner.kinds import plugins
from runner.kinds.base import Kind
from runner.model.step import Step
from runner.model.yaml.finding import Place


class WrittenStep(NamedTuple):
    """A step where it stands, as it is written, and as it was read where that was possible."""

    at: Place
    raw: Any
    step: Step | None

    def written(self, key: str, kind: type) -> Any:
        """What is written under `key`, when it is a `kind`."""
        value = self.raw.get(key) if isinstance(self.raw, dict) else None
        return value if isinstance(value, kind) else None


def with_env(raw: Any, env: Any) -> Any:
    """The step `raw`, as it is written, in which each program has `env` in its environment, below what it has itself.

    So all that is checked, shown and approved of the environment of one step holds of this as well.
    """
    if not (isinstance(raw, dict) and isinstance(env, dict) and env):
        return raw
    step = _merged(raw, env, plugins.steps().values())
    if isinstance(raw.get("undo"), dict):
        step["undo"] = _merged(raw["undo"], env, plugins.steps().values())
    return step


def _merged(raw: Mapping[str, Any], env: Mapping[str, Any], kinds: Iterable[type[Kind]]) -> dict[str, Any]:
    own = raw.get("env", {})
    takes = isinstance(own, dict) and any(kind.key in raw and "env" in kind.model_fields for kind in kinds)
    merged = {**raw, **({"env": {**env, **own}} if takes else {})}
    for kind in (kind for kind in kinds if kind.nested and isinstance(raw.get(kind.nested), dict)):
        merged[kind.nested] = _merged(raw[kind.nested], env, plugins.verifications().values())
    if isinstance(raw.get("verify"), list):
        probes = plugins.verifications().values()
        merged["verify"] = [_merged(each, env, probes) if isinstance(each, dict) else each for each in raw["verify"]]
    return merged
