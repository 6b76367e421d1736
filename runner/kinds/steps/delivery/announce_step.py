"""`announce`: a message to contacts, by the channels that contacts.yml has for them; nobody is called."""

from datetime import timedelta

from runner.kinds.base import ReadFile
from runner.kinds.invocation import Invocation
from runner.kinds.steps.base import StepKind
from runner.kinds.values import Notice


class AnnounceStep(StepKind):
    """All messages of a run are one conversation. What a channel does not take yet waits, and is sent again later.

    The step fails where a channel refuses the message, or a contact has none; dry runs tell nobody. Under plain Ansible
    the message is printed.
    """

    key = "announce"
    example = """\
- id: begin
  name: Announce the release
  announce: {to: on-call, stage: initial, says: "The release of {{ inventory_hostname }} begins"}
"""
    told = ("announce",)
    touches_nothing = True
    gives_result = False
    verifies_itself = True

    announce: Notice

    @property
    def announces(self) -> Notice:
        """The message."""
        return self.announce

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """What prints the message."""
        return Invocation("ansible.builtin.debug", {"msg": self.announce.says})

    def programs(self, read_file: ReadFile) -> list[str]:
        """None."""
        return []

    def describe(self) -> str:
        """Whom it is told, and what."""
        return f"tell {', '.join(self.announce.to)}: {self.announce.says}"
