"""`role` and `tasks`: Ansible content that a team has already, as a step whose files are reviewed with the runbook."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from runner.core.fields import Several, Text
from runner.core.identifiers import Spelling, Variable
from runner.core.templates import check_templates
from runner.kinds.base import ReadFile
from runner.kinds.invocation import Invocation
from runner.kinds.steps.base import StepKind
from runner.kinds.values import ROLES, beside

RoleName = Annotated[str, Spelling(r"^[a-z][a-z0-9_]*$", "the name of a directory in playbooks/roles, like web_server")]


class ContentStep(StepKind):
    """Tasks that Ansible imports when it reads the playbook: each of them is recorded as part of the step."""

    gives_result = False
    declares_effect = True
    visible = ("vars",)

    vars: Annotated[dict[Variable, Any], AfterValidator(check_templates)] = Field(
        default={}, description="Variables of its tasks, and of nothing else"
    )
    facts: bool = Field(default=False, description="Whether Ansible's facts about the host are gathered for it first")
    users: Several[Text] = Field(default=(), description="Whom its tasks become besides the user of the step")

    @property
    def becomes(self) -> tuple[str, ...]:
        """The users that are declared."""
        return self.users

    @property
    def sets(self) -> tuple[str, ...]:
        """Those of its tasks."""
        return tuple(self.vars)

    @property
    def gathers_facts(self) -> bool:
        """Where that is asked for; a task of its own that does is not seen from here."""
        return self.facts

    def imports(self) -> tuple[str, Mapping[str, Any]]:
        """The module that imports it, and its arguments."""
        raise NotImplementedError

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The import, under Ansible's own timeout for each of its tasks."""
        module, args = self.imports()
        return Invocation(module, args, task_timeout=timeout, imports=True, variables=self.vars, facts=self.facts)

    def details(self) -> list[str]:
        """Its variables, and whom its tasks become."""
        variables = [f"var {name}={value}" for name, value in self.vars.items()]
        return [*variables, *(f"becomes {user}" for user in self.users)]


class RoleStep(ContentStep):
    """A role in playbooks/roles, with the roles that it depends on."""

    key = "role"
    example = """\
- id: web
  name: Set up the web server
  effect: change
  role: web_server
  vars: {web_port: 81}
  verify: [{http: "http://127.0.0.1:81/health", within: 1m}]
"""

    role: RoleName

    @property
    def library_files(self) -> tuple[str, ...]:
        """The directory of the role."""
        return (f"{ROLES}/{self.role}",)

    def imports(self) -> tuple[str, Mapping[str, Any]]:
        """The role, of which no variable reaches other tasks.

        Ansible would check its arguments by a task that runs in every part of a run, whichever step that is about.
        """
        return "ansible.builtin.import_role", {"name": self.role, "public": False, "rolespec_validate": False}

    def describe(self) -> str:
        """Where the role lies."""
        return f"{ROLES}/{self.role}"


class TasksStep(ContentStep):
    """A file of tasks that lies beside the runbook."""

    key = "tasks"
    example = """\
- id: deploy
  name: Deploy the shop
  effect: change
  tasks: tasks/deploy.yml
  verify: [{http: "http://127.0.0.1:8080/health", within: 1m}]
"""

    tasks: Annotated[str, beside("tasks/deploy.yml")]

    @property
    def library_files(self) -> tuple[str, ...]:
        """The file."""
        return (f"runbooks/{self.tasks}",)

    def imports(self) -> tuple[str, Mapping[str, Any]]:
        """The file, from where the playbook lies."""
        return "ansible.builtin.import_tasks", {"file": f"../runbooks/{self.tasks}"}

    def describe(self) -> str:
        """The file."""
        return self.tasks
