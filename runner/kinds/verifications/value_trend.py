"""`trend`: a value falls, or rises, compared with what it was when the verification began."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Discriminator, Field, Tag, model_validator

from runner.core.fields import Limit, Model
from runner.core.identifiers import Spelling
from runner.kinds.values import TREND_FIRST as FIRST
from runner.kinds.values import TREND_NOW as NOW
from runner.kinds.values import Expression, is_number
from runner.kinds.verifications.base import VerificationKind

Percent = Annotated[str, Spelling(r"^(?=.*[1-9])[0-9]+(?:\.[0-9]+)? ?%$", "a share above 0 %, like 10 %, or a number")]
Change = Annotated[
    Annotated[Percent, Tag("share")] | Annotated[float, Field(gt=0, strict=False), Tag("number")],
    Discriminator(lambda value: "share" if isinstance(value, str) else "number"),
]


class TrendQuery(Model):
    """Which value, which way, how far and in which time."""

    that: Expression = Field(description="The value, a number: row.used")
    falls: None = Field(default=None, description="It must become less")
    rises: None = Field(default=None, description="It must become more")
    by: Change | None = Field(default=None, description="How far at least: 10 % of the first value, or a number")
    within: Limit = Field(description="How long it may take")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if ("falls" in self.model_fields_set) == ("rises" in self.model_fields_set):
            raise ValueError("needs `falls` or `rises`, and not both: {that: row.used, falls, by: 10 %, within: 2m}")
        return self

    @property
    def way(self) -> str:
        """The way that it must go."""
        return "falls" if "falls" in self.model_fields_set else "rises"


class Trend(VerificationKind):
    """The first value is `trend_first`, each later one `trend_now`; all of them are kept for the report."""

    key = "trend"
    example = """\
- says: Sessions are given back
  sql: SELECT count(*) AS used FROM pg_stat_activity
  trend: {that: row.used, falls, by: 10 %, within: 2m}
"""

    trend: TrendQuery

    @property
    def asks_again(self) -> timedelta:
        """For as long as it may take."""
        return self.trend.within

    @property
    def names(self) -> Mapping[str, str]:
        """The value as it is now."""
        return {NOW: self.trend.that}

    @property
    def keeps_first(self) -> Mapping[str, str]:
        """The value as it was first."""
        return {FIRST: NOW}

    def conditions(self, text: str | None) -> Sequence[str]:
        """A share is one of a first value above 0, of less nobody can say it."""
        falls, by = self.trend.way == "falls", self.trend.by
        if by is None:
            return (is_number(NOW), f"{NOW} {'<' if falls else '>'} {FIRST}")
        if isinstance(by, float):
            return (is_number(NOW), f"{NOW} <= {FIRST} - {by:g}" if falls else f"{NOW} >= {FIRST} + {by:g}")
        share = float(re.sub(r" ?%", "", by)) / 100
        return (
            is_number(NOW),
            f"{FIRST} > 0",
            f"{NOW} {'<=' if falls else '>='} {FIRST} * {1 - share if falls else 1 + share:g}",
        )

    def describe(self) -> str:
        """In words."""
        by = self.trend.by
        amount = f" by {by}" if isinstance(by, str) else f" by {by:g}" if by else ""
        return f"{self.trend.that} {self.trend.way}{amount}"
