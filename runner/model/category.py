"""The categories of runbooks: what a runbook is for."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Category(StrEnum):
    """What a runbook is for."""

    INCIDENT = "incident"
    DEPLOYMENT = "deployment"
    MAINTENANCE = "maintenance"
    RECOVERY = "recovery"
    ESCALATION = "escalation"

    @property
    def purpose(self) -> str:
        """What its runbooks do."""
        return _CATEGORIES[self][0]

    @property
    def trigger(self) -> str:
        """What makes somebody reach for one."""
        return _CATEGORIES[self][1]


_CATEGORIES: Mapping[Category, tuple[str, str]] = MappingProxyType(
    {
        Category.INCIDENT: ("handle what goes wrong in production", "an alert fires, users report"),
        Category.DEPLOYMENT: ("carry out a release", "a scheduled release"),
        Category.MAINTENANCE: ("do what has to be done regularly", "a scheduled window"),
        Category.RECOVERY: ("restore what has failed", "a disaster"),
        Category.ESCALATION: ("route to the right people", "it is beyond whoever is on call"),
    }
)
