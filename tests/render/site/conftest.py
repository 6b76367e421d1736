"""What the tests of the site share: a library, in which people wrote hostile things, a record of runs, and the site."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from harness.fakes import runbook_file

from runner.core.events import EventType
from runner.library.library import Library
from runner.library.snapshot import read
from runner.render.history.run_history import histories
from runner.render.site.pages import pages
from runner.render.site.site_content import gather
from runner.store.log.envelope import Actor, Record

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
EVIL = (
    "</title></script><script>document.title='owned'</script><img src=x onerror=alert(1)> \"quoted\" 'too' &amp; \\ `"
)
REGISTRY = """\
MON-001:
  title: Too little space
  owner: on-call
  severity: P2
  condition: below 5 %
  symptoms: [No space left on device, "</script><script>document.title='owned'</script>"]
  runbook: RUN-001
MON-002: {title: Info, owner: on-call, severity: info, condition: a, page: docs/info.md, note: "javascript:alert(1)"}
DEP-001: {title: "<b>bold</b> 'quoted'", owner: backend-team, note: "See RUN-001, javascript:alert(1) and RUN-404"}
RUN-009: {title: Planned, owner: on-call, category: recovery}
XYZ-001: {title: Alone, owner: on-call}
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runbook_file(
        tmp_path,
        title=EVIL,
        scope={"handles": [EVIL], "excludes": [{"what": "A dead disk", "see": "RUN-009"}, EVIL]},
        inputs={"version": {"help": EVIL}, "mode": {"type": "enum", "values": [EVIL], "help": "Which"}},
        prerequisites=[{"confirm": EVIL}],
        steps=[
            {
                "id": "clean",
                "name": EVIL,
                "why": "Because of DEP-001",
                "effect": "destructive",
                "approve": EVIL,
                "shell": f"echo {{{{ version | quote }}}}\ncat <<'X'\n{EVIL}\nX\n",
                "env": {"A": EVIL},
                "verify": [{"says": EVIL, "matches": EVIL.replace("(", "\\(").replace(")", "\\)")}, {"confirm": EVIL}],
                "undo": {"command": "true", "verify": [{"exit": 0}]},
                "on_failure": "RUN-009",
            }
        ],
        follow_up=[EVIL, {"do": "Sleep", "within": "2d", "if": "failed"}],
        links=["DEP-001"],
    )
    runbook_file(tmp_path, id="RUN-002", title="Plain", severity="P0", trigger={"event": "Friday"})
    (tmp_path / "runbooks" / "registry").mkdir()
    (tmp_path / "runbooks" / "registry" / "all.yml").write_text(REGISTRY)
    return tmp_path


@pytest.fixture
def collection(root):
    return read(Library(root))


def record(kind, run, *, day=0, user="alice", **data):
    return Record(
        seq=1,
        time=NOW - timedelta(days=day),
        monotonic=0.0,
        boot="boot-1",
        type=kind,
        run=run,
        step=None,
        host=None,
        data=data,
        actor=Actor(user, "controller", 1, "0"),
        truncated=False,
        hash="",
    )


def told(run, runbook, outcome, *, day, sha256="", user="alice"):
    """The records of a run that took a minute and a half."""
    yield record(EventType.RUN_STARTED, run, day=day, user=user, runbook=runbook, runbook_sha256=sha256)
    yield record(EventType.TARGET_RESOLVED, run, day=day, environment="staging")
    yield record(EventType.RUN_FINISHED, run, day=day - 90 / 86400, outcome=outcome)


@pytest.fixture
def runs(collection):
    records = [
        *told("20260301T000000Z-00000001", "RUN-002", "passed", day=92, sha256=collection.runbooks["RUN-002"].sha256),
        *told("20260530T000000Z-00000002", "RUN-001", EVIL, day=2, user=EVIL),
    ]
    return list(histories(records))


@pytest.fixture
def site(collection, runs):
    return pages(gather(collection, runs, now=NOW, stale_after=timedelta(days=90)))


@pytest.fixture
def make_record():
    return record


@pytest.fixture
def make_told():
    return told


@pytest.fixture
def now():
    return NOW
