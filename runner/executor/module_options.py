"""What an Ansible module takes, as its own documentation says: asked of Ansible, once for each module in a process."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, NamedTuple

from runner.core.deferred import dataclass
from runner.model.yaml.finding import Place, did_you_mean, quoted

_TIMEOUT = 60
_ANY = frozenset({"free_form", "key_value"})
"""What stands in a documentation for arguments whose names the author of a task makes up."""

_READ: Mapping[str, tuple[str, str]] = {
    "int": (r"[+-]?[0-9]+(\.0+)?|none", "a whole number"),
    "float": (r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|none", "a number"),
    "bool": (r"y|yes|on|1|1\.0|true|t|n|no|off|0|0\.0|false|f|none", "true or false"),
}
"""How Ansible reads a value of a type, whatever it is written as, and what that is in words."""

_PASSED_ON = ("PATH", "HOME", "ANSIBLE_COLLECTIONS_PATH")


@dataclass(frozen=True, slots=True)
class Module:
    """What Ansible knows of a module: `missing` says why there is none; `options` is None where nobody tells them."""

    missing: str = ""
    options: Mapping[str, Mapping[str, Any]] | None = None


class ArgumentFault(NamedTuple):
    """What is wrong with the arguments of a module, and where in them."""

    place: Place
    message: str
    hint: str


@dataclass
class ModuleDocumentation:
    """Asks the Ansible of `python` for the documentation of modules, once for each; it looks where a run does."""

    python: str = sys.executable
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    _modules: dict[tuple[str, str], Module] = field(default_factory=dict)

    def modules(self, names: Iterable[str]) -> Mapping[str, Module]:
        """What Ansible knows of each of the modules `names`; one of which it could not be asked is not there."""
        wanted_names, where = list(dict.fromkeys(names)), self.environ.get("ANSIBLE_COLLECTIONS_PATH", "")
        if new := [name for name in wanted_names if (where, name) not in self._modules]:
            self._modules |= {(where, name): Module(**module) for name, module in self._ask(new).items()}
        return {name: self._modules[where, name] for name in wanted_names if (where, name) in self._modules}

    def _ask(self, names: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
        environ = {name: self.environ[name] for name in _PASSED_ON if name in self.environ}
        if where := environ.get("ANSIBLE_COLLECTIONS_PATH"):
            paths = (os.path.abspath(os.path.expanduser(path)) for path in where.split(os.pathsep))  # noqa: PTH100, PTH111
            environ["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join(paths)
        try:
            with tempfile.TemporaryDirectory() as directory:
                configuration = Path(directory, "ansible.cfg")
                configuration.touch()  # as in a run, no other one is read
                output = subprocess.run(
                    [self.python, "-P", "-m", __name__],
                    input=json.dumps(list(names)),
                    env={**environ, "ANSIBLE_CONFIG": str(configuration), "LC_ALL": "C.UTF-8"},
                    cwd="/",
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    timeout=_TIMEOUT,
                    check=True,
                ).stdout
            modules: Mapping[str, Mapping[str, Any]] = json.loads(output.splitlines()[-1])
        except (OSError, subprocess.SubprocessError, ValueError, IndexError):
            return {}
        return modules


modules = ModuleDocumentation().modules
"""Of the Ansible beside this Python, in the environment of this process."""


def wrong_arguments(options: Mapping[str, Mapping[str, Any]], arguments: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    """What of `arguments` a module with these `options` does not take, and what it needs besides."""
    if _ANY & options.keys():
        return
    names = {spelling: name for name, option in options.items() for spelling in (name, *(option.get("aliases") or ()))}
    missing = [name for name, option in options.items() if option.get("required")]
    missing = [name for name in missing if name not in {names.get(each) for each in arguments}]
    for name in arguments:
        if name not in names and not name.startswith("_"):
            takes = f"it takes {', '.join(sorted(options))}" if options else "it takes none"
            hint = did_you_mean(name, missing)  # which is then one fault, and not two
            missing = [each for each in missing if quoted(each) not in hint]
            yield ArgumentFault((name,), f"has no argument {quoted(name)}", hint or did_you_mean(name, names) or takes)
    for name in missing:
        yield ArgumentFault((), f"needs the argument {quoted(name)}", "")
    for name, value in arguments.items():
        if name in names:
            yield from _wrong_value(name, options[names[name]], value)


def _wrong_value(name: str, option: Mapping[str, Any], value: Any) -> Iterator[ArgumentFault]:
    choices = option.get("choices")
    text = option.get("type", "str") == "str" and isinstance(value, str) and "{{" not in value and "{%" not in value
    if choices and text and value not in map(str, choices):
        takes = f"it is one of {', '.join(map(str, choices))}"
        yield ArgumentFault((name,), f"has no choice {quoted(value)} for {name}", did_you_mean(value, choices) or takes)
    pattern, words = _READ.get(option.get("type", "str"), ("", ""))
    written = str(value).lower()
    if pattern and "{{" not in written and "{%" not in written and not re.fullmatch(pattern, written):
        yield ArgumentFault((name,), f"takes {words} as {name}, not {quoted(value)}", "")
    items = value if isinstance(value, list) else [value]
    for number, item in enumerate(items):
        if option.get("suboptions") and isinstance(item, dict):
            place = (name, number) if isinstance(value, list) else (name,)
            for wrong in wrong_arguments(option["suboptions"], item):
                yield ArgumentFault((*place, *wrong.place), f"{wrong.message} in {name}", wrong.hint)


def _answer(names: Iterable[str]) -> dict[str, Any]:
    from ansible.plugins.loader import init_plugin_loader  # noqa: PLC0415 - only the process that asks imports Ansible

    init_plugin_loader([])
    return {name: _described(name) for name in names}


def _described(name: str) -> dict[str, Any]:
    from ansible.errors import AnsibleError, AnsiblePluginError  # noqa: PLC0415
    from ansible.plugins.loader import action_loader, fragment_loader, module_loader  # noqa: PLC0415
    from ansible.utils.plugin_docs import get_plugin_docs  # noqa: PLC0415

    try:
        documentation = get_plugin_docs(name, "module", module_loader, fragment_loader, False)[0]  # noqa: FBT003
    except AnsiblePluginError as error:  # it is not there, or not any more; some are nothing but a part that runs here
        return {} if action_loader.has_plugin(name) else {"missing": " ".join(str(error).split())}
    except (AnsibleError, ValueError, TypeError):
        return {}
    return {"options": documentation.get("options") or {}}


if __name__ == "__main__":
    print(json.dumps(_answer(json.load(sys.stdin)), default=str))  # noqa: T201 - the answer to whoever started this
