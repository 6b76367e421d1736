"""`confirm`: what only a person can tell."""

from runner.core.fields import Title
from runner.kinds.verifications.base import VerificationKind


class Confirm(VerificationKind):
    """A person says that this holds; there is no machine answer, and without a person it is denied."""

    key = "confirm"
    example = "- {confirm: The customers see the new prices}"
    human = True

    confirm: Title

    def describe(self) -> str:
        """The statement itself."""
        return self.confirm
