"""`alert_resolved` and `alert_firing`: how an alert of the registry stands where it is watched."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from runner.core.fields import Short
from runner.core.identifiers import ReferenceId
from runner.kinds.base import ReadEntry
from runner.kinds.verifications.monitoring.alert_source import AlertSource
from runner.kinds.verifications.monitoring.probe_program import AsksService

_MON = r"^MON-[0-9]{3,6}$"


class NamedAlert(AlertSource):
    """An alert by its id, with where it is looked up, which the registry says; or that alone."""

    id: ReferenceId | None = Field(default=None, description="Its id in the registry, whose `source` is taken")

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if not self.unresolved and self.missing:
            raise ValueError(f"needs {self.missing}")
        return self

    @property
    def unresolved(self) -> bool:
        """Whether it is an id alone, before the registry has said where it is looked up."""
        return self.model_fields_set == {"id"}

    @property
    def title(self) -> str:
        """What people call it."""
        return self.id or self.alert or f"the monitor {self.monitor}"


AlertOrId = Annotated[
    NamedAlert,
    BeforeValidator(lambda value: {"id": value} if isinstance(value, str) else value),
    Short(type="string", pattern=_MON),
]
"""An alert, or just the id that it has in the registry."""


class AlertProbe(AsksService):
    """How an alert stands, asked on the machine where runbookctl runs."""

    secrets = ("token", "api_key", "app_key")
    wanted: ClassVar[str]
    seen = ("otherwise",)

    @property
    def alert(self) -> NamedAlert:
        """The alert."""
        alert: NamedAlert = getattr(self, self.key)
        return alert

    @classmethod
    def completed(cls, value: Any, entry: ReadEntry) -> Any:
        """The alert with the `source` of its entry in the registry."""
        if not isinstance(value, str):
            return value
        known = entry(value)
        if known is None:
            raise ValueError(f"{value} is not in the registry, so nobody can be asked how it stands")
        if not known.get("source"):
            raise ValueError(f"{value} has no `source` in the registry, so nobody can be asked how it stands")
        named = {"alert": known["alertname"]} if known.get("alertname") and "monitor" not in known["source"] else {}
        return {"id": value, **named, **known["source"]}

    def program(self) -> str:
        """That of its service."""
        return "prometheus" if self.alert.unresolved else self.alert.service

    def question(self) -> Mapping[str, Any]:
        """The alert, and how it should stand."""
        return {"wanted": self.wanted, **({} if self.alert.unresolved else self.alert.question())}

    def default_conditions(self) -> Sequence[str]:
        """That the service says so."""
        return ("problem == ''",)

    @property
    def known(self) -> tuple[str, ...]:
        """That the alert is as it should be, or the service says for sure that it is not."""
        return ("problem == '' or (otherwise | default(false))",)

    def describe(self) -> str:
        """The alert, and how it should stand."""
        return f"{self.alert.title} {'has resolved' if self.wanted == 'resolved' else 'is firing'}"


class AlertResolved(AlertProbe):
    """The alert has resolved. No data, muted, silenced, inhibited, pending, unknown or nobody there is not resolved.

    The alert is one of the registry that has a `source` (Prometheus, Alertmanager or a monitor of Datadog), or stands
    here. It is asked from the machine where runbookctl runs.
    """

    key = "alert_resolved"
    wanted = "resolved"
    example = """\
- {says: The alert has resolved, alert_resolved: MON-005, within: 5m}
"""

    alert_resolved: AlertOrId

    @property
    def lag(self) -> timedelta | None:
        """For how long the alert may still be there after its cause is gone."""
        return None if self.alert.unresolved else self.alert.delay


class AlertFiring(AlertProbe):
    """The alert is firing; one that is silenced or inhibited is, and one that is pending is not yet."""

    key = "alert_firing"
    wanted = "firing"
    example = """\
- {says: It is no false alarm, alert_firing: MON-005}
"""

    alert_firing: AlertOrId
