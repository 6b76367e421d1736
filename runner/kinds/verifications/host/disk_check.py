"""`disk`: how much space, and how many inodes, are free where a path lies."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from runner.core.fields import Model
from runner.core.identifiers import Spelling
from runner.kinds.invocation import Invocation, bounded
from runner.kinds.verifications.base import VerificationKind
from runner.kinds.verifications.host.look import AbsolutePath

_BYTES = {f"{prefix}B": 1000**power for power, prefix in enumerate("kMGT", 1)}
_BYTES |= {f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", 1)}

Share = Annotated[str, Spelling(r"^[0-9]{1,2}(?:\.[0-9]+)? ?%$", "a share, like 20 %")]
Space = Annotated[
    str, Spelling(r"^(?:[0-9]{1,2}(?:\.[0-9]+)? ?%|[0-9]+(?:\.[0-9]+)? ?(?:[kMGT]B|[KMGT]iB))$", "like 20 % or 5 GB")
]


class DiskQuery(Model):
    """A path, and how much must be free there."""

    path: AbsolutePath = Field(description="A path on the file system; one that is not there is a failure")
    free: Space = Field(description="How much space at least: 20 %, or 5 GB (also kB, MB, TB, GiB, ...)")
    inodes: Share | None = Field(default=None, description="How many inodes at least: 10 %")


class Disk(VerificationKind):
    """What `df` says to somebody who is not root is there as `facts`; `facts.mount` is where the file system hangs."""

    key = "disk"
    example = "- {disk: {path: /var, free: 20 %, inodes: 10 %}}"
    visible = ("disk",)

    disk: DiskQuery

    def probe(self, timeout: timedelta) -> Invocation:
        """One line of numbers, which are rounded down."""
        columns = "--output=avail,used,iavail,itotal,target"
        call = bounded(["df", "--block-size=1", columns, "--", self.disk.path], timeout=timeout)
        _, unit = _parts(self.disk.free)
        share = "(({0} | int) * 1000 // ([{1} | int, 1] | max)) / 10"
        facts = {
            "free_percent": share.format("df[0]", "(df[0] | int + df[1] | int)"),
            "inodes_free_percent": f"({share.format('df[2]', 'df[3]')}) if df[3] | int else 'not counted here'",
            "mount": "df[4]",
        }
        if unit != "%":
            facts[f"free_{unit}"] = f"((df[0] | int) * 10 // {_BYTES[unit]}) / 10"
        names = {
            "facts": f"dict({', '.join(f'{name}={value}' for name, value in facts.items())})",
            "df": "(REGISTER.stdout.splitlines() | last).split(None, 4)",
        }
        return replace(call, names=names)

    def conditions(self, text: str | None) -> Sequence[str]:
        """What must be free at least."""
        number, unit = _parts(self.disk.free)
        inodes = self.disk.inodes
        return (
            f"facts.free_{'percent' if unit == '%' else unit} >= {number}",
            *([f"facts.inodes_free_percent >= {_parts(inodes)[0]}"] if inodes else []),
        )

    def describe(self) -> str:
        """In words."""
        inodes = f", and {self.disk.inodes} of the inodes" if self.disk.inodes else ""
        return f"{self.disk.path} has {self.disk.free} free{inodes}"


def _parts(amount: str) -> tuple[str, str]:
    """The number and the unit of an amount."""
    number, unit = re.split(r" ?(?=[%A-Za-z])", amount, maxsplit=1)
    return number, unit
