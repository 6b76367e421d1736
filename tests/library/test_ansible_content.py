"""A role does what it does on the hosts of its step, and nothing of that can make the record of the run untrue."""

from __future__ import annotations

import pytest
from harness.fakes import runbook_file

from runner.compiler.committed_playbook import compiled
from runner.core.errors import InvalidInputError
from runner.library.ansible_content import findings
from runner.library.library import Library

STEP = {
    "id": "web",
    "name": "Web",
    "effect": "change",
    "role": "web",
    "users": ["app"],
    "verify": [{"command": "systemctl is-active nginx"}],
}
FOUND = {
    "id": "find",
    "name": "F",
    "effect": "read",
    "command": "ls",
    "capture": {"stuck": "rc"},
    "verify": [{"exit": 0}],
}
SECRET = {"token": {"type": "secret", "help": "T"}}


@pytest.fixture
def found(tmp_path):
    """What is found in a role `web` with these files, each as line and message."""

    def found(files, **changes):
        for name, text in {"tasks/main.yml": "- {name: A, ansible.builtin.ping: {}}\n", **files}.items():
            path = tmp_path / "playbooks" / "roles" / (name[3:] if name.startswith("../") else f"web/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        runbook_file(tmp_path, steps=[FOUND, {**STEP, **changes}], inputs=SECRET)
        source = Library(tmp_path).source("RUN-001")
        return [f"{each.line} {each.message}" for each in findings(source.runbook, source.side_files)]

    return found


@pytest.mark.parametrize(
    "task",
    [
        "ansible.builtin.command: ls\n  when: web_on\n  loop: [1]\n  notify: Restart\n  register: seen\n  failed_when: false",
        "ansible.builtin.include_tasks: more.yml",
        "ansible.builtin.meta: flush_handlers",
        "ansible.builtin.pause: {seconds: 2}",
        "become: true\n  become_user: app\n  ansible.builtin.command: ls",
        "become: false\n  ansible.builtin.command: ls\n  ignore_errors: false\n  tags: [packages]",
        "ansible.builtin.set_fact: {web_ready: true}",
        "acme.tools.pause: {}",
        "block: [{ansible.builtin.ping: {}}]\n  rescue: [{ansible.builtin.debug: {msg: a}}]",
    ],
)
def test_what_a_role_may_do(found, task):
    handlers = {"handlers/main.yml": "- {name: Restart, ansible.builtin.ping: {}}\n"}
    more = {"tasks/more.yml": "- ansible.builtin.ping: {}\n"}
    assert found({"tasks/main.yml": f"- name: A\n  {task}\n", **more, **handlers}) == []


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("delegate_to: localhost", "delegate_to is done on another machine"),
        ("local_action: {module: ping}", "local_action is done on another machine"),
        ("remote_user: root", "remote_user changes how its host is reached"),
        ("connection: local", "connection changes how its host is reached"),
        ("ignore_errors: true", "ignore_errors goes on as if nothing had failed"),
        ("ignore_errors: '{{ yes }}'", "ignore_errors goes on as if nothing had failed"),
        ("ignore_unreachable: true", "ignore_unreachable goes on as if nothing had failed"),
        ("run_once: true", "run_once is done on one host for all"),
        ("check_mode: true", "check_mode does nothing, and may say"),
        ("any_errors_fatal: true", "any_errors_fatal ends hosts on which nothing has failed"),
        ("action: ping", "action names its module in a text"),
        ("debugger: on_failed", "debugger waits for somebody at a terminal"),
        ("async: 60\n  poll: 0", "is left running, and nobody hears how it ends"),
        ("tags: always", "the tag always decides when it is done"),
        ("tags: [a, never]", "the tag never decides when it is done"),
        ("tags: step-web", "the tag step-web decides when it is done"),
        ("become: true", "becomes root, of which the step says nothing"),
        ("become_user: '{{ who }}'", "becomes {{ who }}, of which the step says nothing"),
        ("vars: {ansible_host: other}", "ansible_host decides how a run reaches its hosts"),
        ("environment: {RUNBOOK_ATTEMPT: ''}", "RUNBOOK_ATTEMPT decides how a run reaches its hosts"),
        ("register: stuck", "stuck is a name of the runbook already"),
        ("ansible.builtin.set_fact: {stuck: 1}", "stuck is a name of the runbook already"),
        ("ansible.builtin.set_fact: {ansible_port: 1}", "ansible_port decides how a run reaches its hosts"),
        ("ansible.builtin.include_tasks: '{{ os }}.yml'", "is chosen while the run goes on"),
        ("ansible.builtin.include_vars: {file: ../../x.yml}", "lies elsewhere, and is not reviewed"),
        ("include_role: {name: '{{ role }}'}", "is chosen while the run goes on"),
        ("ansible.builtin.add_host: {name: b}", "add_host changes which hosts there are"),
        ("ansible.builtin.pause: {prompt: Go?}", "waits for somebody at a terminal"),
        ("ansible.builtin.meta: end_host", "end_host ends or changes a run that goes on elsewhere"),
        ("ansible.builtin.command: echo {{ lookup('pipe', 'id') }}", "lookup('pipe') may start a program"),
        ("ansible.builtin.command: echo {{ q('pi' ~ 'pe', 'id') }}", "a lookup of a computed name may start a program"),
        ("when: lookup('pipe', 'id') == 'x'\n  ping: {}", "lookup('pipe') may start a program"),
        ("with_pipe: [id]\n  ping: {}", "with_pipe may start a program"),
        ("ansible.builtin.command: echo {{ token }}", "uses the secret token"),
    ],
)
@pytest.mark.parametrize("within", ["", "block"])
def test_what_a_role_may_not_do(found, task, message, within):
    own = f"- name: A\n  {task}\n"
    text = own if not within else "- name: B\n  block:\n" + "".join(f"    {line}\n" for line in own.splitlines())
    (only,) = found({"tasks/main.yml": text})
    assert only.partition(" ")[2].startswith(message)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"library/mine.py": "pass\n"}, "is code that would run on this machine"),
        ({"filter_plugins/mine.py": "pass\n"}, "is code that would run on this machine"),
        ({"vars/main.yml": "$ANSIBLE_VAULT;1.1;AES256\n61\n"}, "is encrypted, so that nobody can check it"),
        ({"defaults/main.yml": "ansible_user: root\n"}, "ansible_user decides how a run reaches its hosts"),
        ({"handlers/main.yml": "- {name: A, delegate_to: b, ping: {}}\n"}, "delegate_to is done on another machine"),
        ({"tasks/main.yml": "- [\n"}, "is not valid YAML"),
        ({"meta/main.yml": "dependencies: [{role: base, src: git}]\n"}, "is fetched from elsewhere"),
        (
            {"meta/main.yml": "dependencies: [base]\n", "../base/tasks/main.yml": "- {ping: {}, run_once: true}\n"},
            "run_once is done on one host for all",
        ),
        (
            {
                "meta/main.yml": "dependencies: [base]\n",
                "../base/meta/argument_specs.yml": "argument_specs: {main: {}}\n",
            },
            "checks the arguments of a role that another one depends on",
        ),
    ],
)
def test_what_the_files_of_a_role_may_not_be(found, files, message):
    (only,) = found(files)
    assert only.partition(" ")[2].startswith(message)


@pytest.mark.parametrize(
    ("notify", "messages"),
    [
        ("nope", ["3 notifies 'nope', and there is no handler of that name"]),
        ("[Restart, nope]", ["3 notifies 'nope', and there is no handler of that name"]),
        ("Restart", []),
        ("'web : Restart'", []),
        ("all of it", []),
        ("Reload 7", []),
        ("'{{ which }}'", []),
    ],
)
def test_a_handler_that_is_not_there_is_found_before_a_step_notifies_it(found, notify, messages):
    handlers = "- {name: Restart, listen: [all of it], ansible.builtin.ping: {}}\n- {name: 'Reload {{ a }}', ansible.builtin.ping: {}}\n"
    tasks = f"- name: A\n  ansible.builtin.ping: {{}}\n  notify: {notify}\n"
    assert found({"tasks/main.yml": tasks, "handlers/main.yml": handlers}) == messages
    more = tasks + "- {name: B, ansible.builtin.include_role: {name: acme.tools.web}}\n"
    assert found({"tasks/main.yml": more, "handlers/main.yml": handlers}) == []


def test_a_role_that_becomes_root_needs_a_step_that_says_so(found):
    assert found({"tasks/main.yml": "- {name: A, become: true, ping: {}}\n"}, become=True) == []


def test_no_playbook_is_made_of_what_is_refused_or_is_not_there(found, tmp_path):
    found({"tasks/main.yml": "- {name: A, run_once: true, ping: {}}\n", "meta/main.yml": "dependencies: [absent]\n"})
    with pytest.raises(InvalidInputError) as caught:
        compiled(Library(tmp_path).source("RUN-001"))
    assert "playbooks/roles/absent is not there" in caught.value.message
    found({"tasks/main.yml": "- {name: A, run_once: true, ping: {}}\n", "meta/main.yml": "{}\n"})
    with pytest.raises(InvalidInputError) as caught:
        compiled(Library(tmp_path).source("RUN-001"))
    assert "playbooks/roles/web/tasks/main.yml:1:13: [0].run_once: run_once is done on" in caught.value.message


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("{% include 'part.j2' %}", []),
        ("{% include 'absent.j2' ignore missing %}", []),
        ("{% include 'absent.j2' %}", ["absent.j2"]),
        ("{% extends 'base/absent.j2' %}", ["base/absent.j2"]),
        ("{% import 'absent.j2' as a %}\n{% from 'other.j2' import b %}", ["absent.j2", "other.j2"]),
        ("#jinja2: block_start_string: '[%', block_end_string: '%]'\n[% include 'absent.j2' %]", ["absent.j2"]),
        ("no template: include 'them'", []),
    ],
)
def test_a_template_brings_in_what_comes_along_and_nothing_else(found, tmp_path, text, missing):
    # Given a template in a role, and one beside the runbook whose neighbours do not come along
    files = {"templates/a.j2": text, "templates/part.j2": "", "files/page.html": "{% include 'absent.html' %}"}
    told = [f"1 brings in {name}, which the playbook does not bring along" for name in missing]

    assert found(files) == told

    alone = {"role": None, "module": {"ansible.builtin.template": {"src": "a.j2", "dest": "/etc/a"}}, "users": []}
    (tmp_path / "runbooks" / "a.j2").write_text(text)
    (tmp_path / "runbooks" / "part.j2").write_text("")
    left_alone = ["1 brings in part.j2, which the playbook does not bring along"] if "'part.j2'" in text else told
    step = {key: value for key, value in {**STEP, **alone}.items() if value}
    runbook_file(tmp_path, steps=[FOUND, step])
    source = Library(tmp_path).source("RUN-001")
    assert [f"{each.line} {each.message}" for each in findings(source.runbook, source.side_files)] == left_alone


PING = "  ansible.builtin.ping: {}\n"
TAKEN = "stuck is a name of the runbook already, and its value there counts more in a run"


@pytest.mark.parametrize(
    ("files", "changes", "told"),
    [
        ({"tasks/main.yml": f"- name: A\n  vars: {{stuck: 1}}\n{PING}"}, {}, [f"2 {TAKEN}"]),
        ({"vars/main.yml": "stuck: 1\n"}, {}, [f"1 {TAKEN}"]),
        ({}, {"vars": {"stuck": 1}}, [f"1 the step web sets stuck, which {TAKEN.removeprefix('stuck ')}"]),
        ({"defaults/main.yml": "stuck: 1\n"}, {}, []),
        ({"tasks/main.yml": f"- name: A\n  environment: {{stuck: 1}}\n{PING}"}, {"vars": {"other": 1}}, []),
    ],
)
def test_what_is_set_is_no_input_and_no_captured_value_which_a_run_would_keep(found, files, changes, told):
    assert found(files, **changes) == told
