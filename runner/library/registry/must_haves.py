"""The common procedures: what every team has a runbook for, by category."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from runner.model.runbook import Category


class MustHave(StrEnum):
    """A procedure that every team documents."""

    SERVICE_DOWN = "service-down"
    PERFORMANCE_DEGRADATION = "performance-degradation"
    SECURITY_INCIDENT = "security-incident"
    STANDARD_RELEASE = "standard-release"
    HOTFIX = "hotfix"
    ROLLBACK = "rollback"
    DATABASE_BACKUP = "database-backup"
    LOG_ROTATION = "log-rotation"
    CERTIFICATE_RENEWAL = "certificate-renewal"
    DATA_RESTORE = "data-restore"
    FAILOVER = "failover"
    SERVICE_RESTART = "service-restart"

    @property
    def words(self) -> str:
        """The procedure as people call it."""
        return self.value.replace("-", " ").capitalize()


_IN_ORDER = tuple(MustHave)
MUST_HAVES: Mapping[MustHave, Category] = MappingProxyType(
    dict.fromkeys(_IN_ORDER[:3], Category.INCIDENT)
    | dict.fromkeys(_IN_ORDER[3:6], Category.DEPLOYMENT)
    | dict.fromkeys(_IN_ORDER[6:9], Category.MAINTENANCE)
    | dict.fromkeys(_IN_ORDER[9:], Category.RECOVERY)
)
"""The category of each."""
