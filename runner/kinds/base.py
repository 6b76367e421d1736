"""What a kind of step and a kind of verification say of themselves, so that nobody has to ask which of them it is."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from runner.core.fields import Model
from runner.core.shell.rereading import Reading
from runner.core.shell.shell_code import Code
from runner.kinds.destruction import changed_by, changed_by_statement, destroyed_by, destroyed_by_statement
from runner.kinds.invocation import Invocation

ReadFile = Callable[[str], str]
"""The text of a file named in a runbook, relative to the runbook's own directory."""

ReadEntry = Callable[[str], Mapping[str, Any] | None]
"""What the registry has for an id, as it is written there; None where it has nothing."""

_MINUTE = timedelta(minutes=1)


class Kind(Model):
    """One key of a step or of a verification, the keys that may stand beside it, and what they mean.

    The field with the main value is named like `key`. What a kind does not declare has the answer of a kind without
    shell code, without SQL and without a program of its own.
    """

    key: ClassVar[str]
    example: ClassVar[str] = ""
    """A step, or a verification, as an item of a list in YAML; docs/kinds.md shows it, and a test loads it."""
    text: ClassVar[str | None] = None
    """The name of the result's text, which `matches` looks at; None where there is none."""
    human: ClassVar[bool] = False
    """Whether a person does it or answers, and no machine can."""
    has_status: ClassVar[bool] = False
    """Whether its result has a `status`, as an HTTP answer has, also where that tells of an error."""
    told: ClassVar[tuple[str, ...]] = ()
    """The keys whose values are told to people."""
    visible: ClassVar[tuple[str, ...]] = ()
    """The keys whose values stand in the arguments of a program, which everybody on the host can read."""
    secrets: ClassVar[tuple[str, ...]] = ()
    """The keys, in the mapping behind its own, that say where a secret is: `env:TOKEN`, or an input of type secret."""

    fixed_by: ClassVar[str] = "name something that stays what it is"
    """What to write in the place of its `moving_name`."""

    nested: ClassVar[str] = ""
    """The key below which another kind, a verification, is written; empty where none is."""

    def call(self, timeout: timedelta, read_file: ReadFile) -> Invocation | None:
        """The call that is made on a host, ended after `timeout`; None where none is.

        Raises:
            ValueError: a file that it names cannot be used.
        """
        raise NotImplementedError

    def describe(self) -> str:
        """What is done or expected, in one line."""
        return str(getattr(self, self.key)).strip()

    def details(self) -> list[str]:
        """What else decides what happens, a line for each."""
        env, chdir = getattr(self, "env", {}), getattr(self, "chdir", None)
        return [*(f"env {name}={value}" for name, value in env.items()), *([f"chdir {chdir}"] if chdir else [])]

    @property
    def written_text(self) -> str:
        """What the author wrote, where that is a text which is done as it is; else empty."""
        value = getattr(self, self.key)
        text = " ".join(map(str, value)) if isinstance(value, tuple) else value
        return text.strip() if isinstance(text, str) else ""

    @property
    def canonical(self) -> str:
        """What is done, in one spelling for different ways of writing the same."""
        return " ".join((self.written_text or str(getattr(self, self.key))).split())

    @property
    def sql_statement(self) -> str:
        """The SQL statement that is done; empty where none is."""
        return ""

    @property
    def moving_name(self) -> str:
        """The name behind its key that may stand for another thing by the time it is done; empty where none does."""
        return ""

    @property
    def ansible_module(self) -> tuple[str, Mapping[str, Any]] | None:
        """The Ansible module that the author named, with its arguments; None where the kind itself chooses one."""
        return None

    @property
    def library_files(self) -> tuple[str, ...]:
        """The files and directories that its task reads on this machine, by their paths from the library's root."""
        return ()

    @property
    def compiled_files(self) -> tuple[str, ...]:
        """The files beside the runbook whose text is compiled into its task."""
        return ()

    def shell_code(self, read_file: ReadFile) -> Code | None:
        """The shell code, or the command line, that is done; None where there is none.

        Raises:
            ValueError: a file that it names cannot be used.
        """
        return None

    def result_names(self, read_file: ReadFile) -> frozenset[str]:
        """The names by which a condition speaks of its result.

        Raises:
            ValueError: a file that it names cannot be used.
        """
        call = self.call(_MINUTE, read_file)
        return frozenset(call.names if call else ())

    def programs(self, read_file: ReadFile) -> list[str]:
        """The programs that are started on the host; where an Ansible module does the work, that module.

        Raises:
            ValueError: a file that it names cannot be used.
        """
        call = self.call(_MINUTE, read_file)
        return call.programs() if call else []

    def destroys(self, read_file: ReadFile) -> str:
        """The words with which it destroys data or ends somebody's work; empty where it does not, as far as one sees.

        Raises:
            ValueError: a file that it names cannot be used.
        """
        code = self.shell_code(read_file)
        return destroyed_by(code) if code else destroyed_by_statement(self.sql_statement)

    def changes(self, read_file: ReadFile) -> str:
        """The words with which it changes something; empty where it only looks, as far as one sees.

        Raises:
            ValueError: a file that it names cannot be used.
        """
        code = self.shell_code(read_file)
        return (changed_by(code) if code else changed_by_statement(self.sql_statement)) or self.destroys(read_file)

    @property
    def companions(self) -> Mapping[str, str]:
        """The files of ours that its task needs beside the playbook: their texts by how the playbook names them."""
        return {}

    @classmethod
    def completed(cls, value: Any, entry: ReadEntry) -> Any:
        """What is written behind its key, with what the registry says of it.

        Raises:
            ValueError: the registry does not say what is needed.
        """
        return value

    @classmethod
    def obeyed(cls, written: Mapping[str, Any]) -> Mapping[str, Reading]:
        """The names whose values a shell or a program takes for code in what is `written`, each with how.

        Raises:
            ValueError: what is written is no template.
        """
        return {}
