"""Steps made at random that show what came of variables: in arguments, environments, conditions, and connections."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from differential.hosts import HOSTS, PYTHON
from differential.random_steps import Document
from differential.variable_sources import NAMES, Texts
from differential.witness import READS

WITNESS = "{{ here }}/witness"
EXPRESSIONS = (
    *("{{ V }}", "{{ V }}", "{{ V }}", "x{{ V }}y", "{{ V | to_json }}", "{{ V | type_debug }}", "{{ V | string }}"),
    *(
        "{{ V | default('none') }}",
        "{{ hostvars['b'].V }}",
        "{{ hostvars['c'].V | default('-') }}",
        "{{ V is string }}",
    ),
    *("{{ lookup('vars', 'V') }}", "{{ V | b64encode }}", "{{ V == W }}", "{{ [V, W] | to_json }}", "{{ V ~ W }}"),
    *("{{ vars['V'] | default('gone') }}", "{{ V | length }}", "{{ V | int + 1 }}", "{{ V | bool }}", "{{ V | hash }}"),
    *("{{ kept | default('nothing yet') }}", "{{ kept | default(V) | type_debug }}", "{{ V | ternary('T', 'F') }}"),
    *(
        "{{ word }}",
        "{{ word | type_debug }}",
        "{{ number | to_json }}",
        "{{ inventory_hostname }} {{ ansible_host | default('-') }}",
    ),
    *("{{ ansible_facts | length }}", "{{ ansible_play_hosts }}", "{{ group_names | to_json }}", "{{ V.nothing }}"),
)
CONDITIONS = (
    *(
        "V == W",
        "V is string",
        "V | default(false) | bool",
        "V is defined and V",
        "(V | string | length) > 3",
        "V in [1, 'yes', true]",
    ),
    *(
        "kept is defined",
        "inventory_hostname in groups['pair']",
        "V | type_debug == 'str'",
        "V is truthy",
        "not V",
        "word == 'w'",
    ),
)
KEYS: tuple[tuple[float, Document], ...] = (
    (0.25, {"become": True}),
    (0.15, {"become": True, "become_user": "daemon"}),
    (0.15, {"become": True, "become_user": "{{ who }}"}),
    (0.15, {"only_if": "C"}),
    (0.25, {"approve": "Go on?"}),
    (0.1, {"on": "b"}),
    (0.05, {"on": "localhost"}),
    (0.1, {"hosts": "pair"}),
    (0.1, {"chdir": "{{ here }}"}),
    (0.1, {"retry": {"attempts": 3, "delay": "100ms"}}),
)

_EVERYTHING: Document = {
    "id": "everything",
    "name": "Show every variable",
    "effect": "change",
    "on_failure": "continue",
    "command": [WITNESS, "everything", *(f"{{{{ {name} | default('none') | to_json }}}}" for name in NAMES)],
    "verify": [{"exit": 0}],
}


def steps(random: Random, most: int, accepts: Callable[[list[Document]], bool]) -> list[Document]:
    """One that shows every variable, then eight to twelve, but no more than `most`, but for those that are refused."""
    made: list[Document] = [_EVERYTHING]
    for number in range(min(random.randint(8, 12), most)):
        step = _step(random, f"step-{number}")
        bare = {key: value for key, value in step.items() if all(key not in keys for _, keys in KEYS)}
        made = next(([*made, each] for each in (step, bare) if accepts([*made, each])), made)
    return made


def _step(random: Random, name: str) -> Document:
    does = random.choice((_command, _command, _command, _shell, _input, _file, _each, _tries, _tasks, _keeps))
    step = {"id": name, "name": f"Do {name}", "effect": "change", "on_failure": "continue", **does(random, name)}
    step.setdefault("verify", [{"exit": 0}])
    if random.choice((True, *4 * (False,))):
        step["verify"] = [*step["verify"], {"that": _condition(random)}]
    if random.choice((True, False, False)):
        step["verify"] = [*step["verify"], _probe(random, name)]
    for chance, keys in KEYS:
        if random.random() < chance:
            step |= {key: _condition(random) if value == "C" else value for key, value in keys.items()}
    return step


def _probe(random: Random, name: str) -> Document:
    asks = {"command": [WITNESS, f"{name}-probe", _expression(random)], "exit": 0, **_environment(random)}
    more = ({}, {"become": True}, {"become": True, "become_user": "{{ who }}"})
    repeats = ({}, {}, {"within": "10s", "every": "100ms"})
    return {"says": "It is so", **asks, **random.choice(more), **random.choice(repeats)}


def _expression(random: Random) -> str:
    return _named(random, random.choice(EXPRESSIONS))


def _condition(random: Random) -> str:
    return _named(random, random.choice(CONDITIONS))


def _named(random: Random, text: str) -> str:
    return text.replace("V", random.choice(NAMES)).replace("W", random.choice(NAMES))


def _command(random: Random, name: str) -> Document:
    return {"command": [WITNESS, name, _expression(random), _expression(random)]} | _environment(random)


def _environment(random: Random) -> Document:
    return {"env": {"GIVEN": _expression(random)}} if random.choice((True, False)) else {}


def _shell(random: Random, name: str) -> Document:
    return {"shell": f'"$W" {name} "$V"', "env": {"W": WITNESS, "V": _expression(random), "who": "x"}}


def _input(random: Random, name: str) -> Document:
    return {"command": [WITNESS, name, READS], "stdin": _expression(random)}


def _file(random: Random, name: str) -> Document:
    arguments = {"content": _expression(random), "dest": f"{{{{ here }}}}/{name}", "mode": "0644"}
    return {"module": {"ansible.builtin.copy": arguments}, "verify": [{"that": "result is not failed"}]}


def _each(random: Random, name: str) -> Document:
    items = random.choice((["one", "{{ v1 }}"], f"{{{{ {random.choice(NAMES)} }}}}", [1, "1", True]))
    return {"each": items, "command": [WITNESS, name, "{{ item }}", "{{ item | type_debug }}", _expression(random)]}


def _tries(random: Random, name: str) -> Document:
    shell = 'echo x >> "$COUNT"; "$W" NAME "$V"; test "$(wc -l < "$COUNT")" -ge 2'.replace("NAME", name)
    given = {"COUNT": f"{{{{ here }}}}/{name}", "W": WITNESS, "V": _expression(random)}
    return {"shell": shell, "env": given, "retry": {"attempts": 3, "delay": "100ms"}}


def _tasks(random: Random, name: str) -> Document:
    del name
    return {"tasks": "tasks/sources.yml", "vars": {"given": _expression(random)}, "verify": [{"that": "true"}]}


def _keeps(random: Random, name: str) -> Document:
    value = random.choice(
        ("(stdout | from_json)[0]", "stdout", "V | to_json", "[V | string, 1]", "stdout | length", "V | string")
    )
    kept = random.choice(("kept", "kept", "kept", "who"))
    captured = "'nobody'" if kept == "who" else _named(random, value)
    return {"command": [WITNESS, name, _expression(random)], "capture": {kept: captured}}


TASKS = """\
- name: Call it
  ansible.builtin.command: "{{ here }}/witness tasks {{ item }} {{ given | quote }}"
  loop: [one, "{{ inventory_hostname }}"]
  environment: {IN_TASKS: "{{ given }}"}
  changed_when: true
  register: called
- name: Keep it
  ansible.builtin.set_fact:
    of_tasks: "{{ called.results | map(attribute='stdout') | list }}"
    said: "{{ given }}"
- name: As whom it is now
  vars: {ansible_become_user: "{{ 'daemon' if inventory_hostname == 'a' else 'nobody' }}"}
  become: true
  ansible.builtin.command: "{{ here }}/witness tasks {{ of_tasks | length }} {{ ansible_become_user }}"
  changed_when: true
- name: Each as another
  vars: {ansible_become_user: "{{ item }}"}
  become: true
  ansible.builtin.command: "{{ here }}/witness tasks {{ item }}"
  loop: [daemon, nobody, root]
  changed_when: true
- name: With another shell
  vars: {ansible_shell_executable: /bin/bash, ansible_python_interpreter: "{{ here }}/python"}
  ansible.builtin.shell: "{{ here }}/witness tasks shell"
  changed_when: true
- name: Until it is well
  ansible.builtin.shell: "{{ here }}/witness tasks {{ tried.rc | default('first') }}; echo x >> n; exit $(wc -l < n)"
  args: {chdir: "{{ here }}"}
  changed_when: true
  register: tried
  until: tried.rc > 2
  retries: 3
  delay: 0
  failed_when: false
"""

WAYS: tuple[tuple[float, Texts], ...] = (
    (0.3, {"ansible_connection": "'{{ way }}'", "way": "local"}),
    (0.3, {"ansible_python_interpreter": "'{{ python }}'", "python": PYTHON}),
    (0.2, {"ansible_python_interpreter": "'{{ here }}/python'"}),
    (0.2, {"ansible_shell_executable": "/bin/bash"}),
    (0.1, {"ansible_shell_executable": '\'{{ "/bin/" ~ "bash" }}\''}),
    (0.2, {"ansible_become": "true"}),
    (0.2, {"ansible_become": "'{{ inventory_hostname != \"c\" }}'"}),
    (0.3, {"ansible_become_user": "'{{ who }}'"}),
    (0.2, {"ansible_become_user": "nobody"}),
    (0.2, {"ansible_become_method": "su", "ansible_become_flags": "'-s /bin/sh'", "ansible_become_exe": "su"}),
    (0.2, {"ansible_sudo_chdir": "'{{ here }}'"}),
    (0.2, {"ansible_user": "daemon"}),
    (0.2, {"ansible_remote_tmp": "'{{ here }}/tmp'"}),
    (0.2, {"ansible_pipelining": "false"}),
)
"""How often a host is reached in another way than the others."""


def ways(random: Random) -> dict[str, Texts]:
    """How each host is reached, besides what it is."""
    return {
        name: {k: v for chance, texts in WAYS if random.random() < chance for k, v in texts.items()} for name in HOSTS
    }
