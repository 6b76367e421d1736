"""A team's own staging: a library of one runbook, two hosts behind real sshd, and a service that a drill breaks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from runner.core.errors import InvalidInputError
from runner.lab.hosts import ssh_hosts

NAMES = {"web1": "127.0.77.91", "queue1": "127.0.77.92"}

RUNBOOK = """\
id: RUN-100
title: The web server answers nobody
category: incident
severity: P2
owner: team
trigger: {event: A user says that the web server answers with an error}
scope: {handles: [The web server answers with an error]}
hosts: web
steps:
  - id: verify-alert
    name: See that it is broken
    command: test -e BROKEN_FILE
    effect: read
    verify: [{exit: 0}]
    on_failure: stop
  - id: mend
    name: Remove what breaks it
    command: rm -f BROKEN_FILE
    verify: [{says: It is gone, command: test ! -e BROKEN_FILE}]
escalation: {when: [step_failed], contacts: [team], provide: [timeline]}
drill:
  probe: {http: "http://127.0.0.1:PORT/"}
  inject: {name: Somebody breaks the web server, command: touch BROKEN_FILE, timeout: 5s}
  symptom: {says: It says that it is broken, that: status == 503}
  proof: {says: What it serves is there, command: cat PAGE_FILE, that: stdout == 'hello'}
  undo: {name: Nothing breaks the web server, shell: "rm -f BROKEN_FILE; echo once >>DONE_FILE"}
  budget: 20s
"""


class Staging:
    """What is there: the library in `root`, its inventory of staging, and files that say how the service is."""

    def __init__(self, root: Path, up, port: int) -> None:
        self.root, self.up, self.port = root, up, port
        self.inventory = root / "inventories/staging"
        home = up.hosts["web1"].home
        self.broken, self.page, self.done = home / "broken", home / "page", home / "undone"
        self.told, self.url = home / "told", f"http://127.0.0.1:{port}/"

    @property
    def undone(self) -> int:
        """How often the fault was taken back."""
        return len(self.done.read_text().split()) if self.done.exists() else 0

    @property
    def announced(self) -> list[str]:
        """What the team was told, in order."""
        return [json.loads(line)["data"]["summary"] for line in self.told.read_text().splitlines()]

    def write(self, **changes) -> None:
        """The library, with `changes` in the drill."""
        text = RUNBOOK.replace("PORT", str(self.port))
        files = {"BROKEN_FILE": self.broken, "PAGE_FILE": self.page, "DONE_FILE": self.done}
        for name, path in files.items():
            text = text.replace(name, str(path))
        data = yaml.safe_load(text)
        data["drill"] |= changes
        (self.root / "runbooks").mkdir(exist_ok=True)
        (self.root / "runbooks/RUN-100.yml").write_text(yaml.safe_dump(data, sort_keys=False))
        tell = {"command": {"argv": ["/bin/sh", "-c", f"cat >>{self.told}; echo >>{self.told}"]}}
        contacts = {"team": {"name": "The team", "channels": [tell]}}
        (self.root / "runbooks/contacts.yml").write_text(yaml.safe_dump(contacts))

    def write_inventory(self, name="staging", hosts=None, **variables) -> Path:
        """The inventory `name`, with `hosts` by their groups; the hosts that are up without them."""
        path = self.root / "inventories" / name
        (path / "group_vars").mkdir(parents=True, exist_ok=True)
        (path / "group_vars/all.yml").write_text(yaml.safe_dump({"runbook_environment": name, **variables}))
        groups = hosts or {"web": {"web1": self.way("web1")}, "queue": {"queue1": self.way("queue1")}}
        children = {group: {"hosts": members} for group, members in groups.items()}
        (path / "hosts.json").write_text(json.dumps({"all": {"children": children}}))
        return path

    def way(self, name: str, **changes):
        """The variables that lead to a host that is up."""
        return self.up.hosts[name].variables() | changes


@contextmanager
def staging(root: Path) -> Iterator[Staging]:
    """A staging that is well, its library in `root`; a test that cannot have one is skipped."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(503 if place.broken.exists() else 200)
            self.end_headers()

        def log_request(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    try:
        with ssh_hosts(root / "hosts", NAMES) as up:
            place = Staging(root, up, server.server_port)
            place.page.write_text("hello\n")
            place.write()
            place.write_inventory()
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            yield place
            server.shutdown()
            thread.join()
    except InvalidInputError as error:
        pytest.skip(f"no SSH hosts here: {error.message}")
    finally:
        server.server_close()
