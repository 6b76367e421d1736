"""`hold_for`: the probe is sampled for a while, and the first bad sample fails."""

from datetime import timedelta

from runner.kinds.values import LimitOrInput
from runner.kinds.verifications.base import VerificationKind


class HoldFor(VerificationKind):
    """Every sample is good for this long; `every` sets the pause between samples.

    A template names an input of type duration.
    """

    key = "hold_for"
    example = '- {says: The shop stays up, http: "http://127.0.0.1:8080/health", hold_for: 5m, every: 10s}'

    hold_for: LimitOrInput

    def describe(self) -> str:
        """Nothing: how long something holds is not what holds."""
        return ""

    def held(self) -> timedelta | str:
        """How long, or the name of the input that says so."""
        return self.hold_for
