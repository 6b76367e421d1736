"""Whoever is called knows what happened, what was tried, how each host stands, and what to type where."""

from __future__ import annotations

import pytest
from harness.run_records import FIRST, RUN, aimed, done, ended, record, records

from runner.core.events import EventType
from runner.render.handoff.hand_off import NOT_KNOWN, HandOff, hand_off, missing
from runner.render.history.run_history import history

SAMPLED = {
    "part": "verify/1",
    "outcome": "failed",
    "reason": "row.percent < 70 is not true",
    "trend": ['{"percent": 98}', '{"percent": 91.5}', '{"percent": 90}'],
    "seen": {"values": {"row.percent": 90}},
}
HAPPENED = [
    aimed("db1", "db2"),
    *done("look", "db1"),
    (EventType.VALUES_CAPTURED, "look", "db1", {"values": {"stuck": [1, 2], "actions": "of the runbook"}}),
    (EventType.VALUES_CAPTURED, "look", "db2", {"values": {"stuck": [3]}}),
    (EventType.STEP_INTENDED, "act", "db1", {"command": "pg_terminate_backend 1"}),
    (
        EventType.ACTION_FINISHED,
        "act",
        "db1",
        {"part": "action", "outcome": "passed", "result": {"stdout": "t", "rc": 0}},
    ),
    (EventType.VERIFICATION_FINISHED, "act", "db1", SAMPLED),
    (EventType.STEP_FINISHED, "act", "db1", {"outcome": "failed"}),
]
PLACE = {"directory": "/srv/ops/.runbook/runs/r", "provenance": {"library": "/srv/ops"}}
RESUME = {"words": ["resume", RUN], "does": "continues where it stopped"}
END = {
    "happened": "Act failed on db1",
    "standing": {"changed and not verified": ["db1"], "untouched": ["db2"]},
    "ways_on": [RESUME],
}


ENDED = (*HAPPENED, ended("failed", **END))


def hand_off_of(*provide, happened=ENDED, **first):
    first = {**FIRST, **PLACE, "inputs": {"version": "1.5.1"}, "reason": "MON-005 fires", **first}
    return hand_off(RUN, history(records(*happened, first=first), now=None), provide)


def test_whoever_has_only_the_packet_knows_what_happened_what_was_tried_and_what_to_type_where():
    assert hand_off_of("trend") == HandOff(
        run=RUN,
        outcome="failed",
        happened=(
            "alice started RUN-001 Disk is full in staging on db1, db2 at 2026-01-01 00:00:00 UTC: MON-005 fires. "
            "Step 2 of 2, Act (RUN-001.yml:12), ended as failed on db1: row.percent < 70 is not true."
        ),
        provided={"trend": {"Act on db1 (It is done)": [98.0, 91.5, 90.0]}},
        seen=(
            {
                "step": "Act",
                "host": "db1",
                "expected": "It is done",
                "outcome": "failed",
                "reason": "row.percent < 70 is not true",
                "seen": ["row.percent = 90"],
            },
        ),
        standing={"changed and not verified": ("db1",), "untouched": ("db2",)},
        steps=({"step": "Look", "on": {"db1": "passed"}}, {"step": "Act", "on": {"db1": "failed"}}),
        ways_on=((f"cd /srv/ops && runbook resume {RUN}", "continues where it stopped"),),
        machine="controller",
        user="alice",
        report="/srv/ops/.runbook/runs/r/report.html",
    )


STUCK = {"db1": [1, 2], "db2": [3]}


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("stuck sessions", STUCK),
        ("stuck", STUCK),
        ("version deployed", "1.5.1"),
        ("actions taken", {"db1": "of the runbook"}),
        ("Act", {"db1": "t"}),
        ("connection trend", {"Act on db1 (It is done)": [98.0, 91.5, 90.0]}),
    ],
)
def test_an_item_stands_under_the_words_that_the_runbook_promised_it_by(label, value):
    packet = hand_off_of(label)

    assert (packet.provided, packet.missing) == ({label: value}, ())


def test_the_timeline_calls_a_step_by_its_name_and_says_when_in_the_time_of_the_day():
    packet = hand_off_of("Timeline (UTC)", "failure mode")

    timeline = packet.provided["Timeline (UTC)"]
    assert timeline[:3] == [
        "00:00:00 run started: MON-005 fires",
        "00:00:01 hosts resolved",
        "00:00:02 began Look on db1",
    ]
    assert "00:00:09 checked Act on db1: failed: row.percent < 70 is not true" in timeline
    assert packet.provided["failure mode"] == [
        "Act on db1: It is done: failed: row.percent < 70 is not true; seen: row.percent = 90"
    ]
    assert "seen" not in packet.details  # it is there under the runbook's own word


def test_what_a_page_carries_is_in_words_that_need_no_reader_of_json():
    details = hand_off_of().details

    failed = ["Act on db1: It is done: failed: row.percent < 70 is not true; seen: row.percent = 90"]
    assert details["seen"] == failed
    assert details["steps"] == {"Look": {"passed": ["db1"]}, "Act": {"failed": ["db1"]}}


def test_what_exactly_was_checked_is_said_where_the_words_of_the_runbook_do_not():
    look, act = FIRST["steps"]
    act = {**act, "judged": ["sql: SELECT percent; row.percent < 70"]}
    failed = (
        EventType.ACTION_FINISHED,
        "look",
        "db2",
        {"part": "action", "outcome": "failed", "reason": "exit code 3"},
    )
    began = (EventType.STEP_INTENDED, "look", "db2", {"command": "df\n  /"})

    details = hand_off_of(happened=[*HAPPENED, began, failed], steps=[look, act]).details

    assert details["seen"] == [
        "Look on db2: The action [df ⏎ /]: failed: exit code 3",
        "Act on db1: It is done [sql: SELECT percent; row.percent < 70]: failed: row.percent < 70 is not true; "
        "seen: row.percent = 90",
    ]


def test_a_question_that_nobody_has_answered_is_called_so():
    asked = (EventType.GATE_ANSWERED, "act", None, {"outcome": "aborted", "by": "nobody", "kind": "approve"})

    details = hand_off_of(happened=[aimed("db1"), asked]).details

    assert details["seen"] == ["Act: Approved: aborted: nobody has answered"]


def page(kind, contact, level, **data):
    about = {"action": "trigger", "contact": contact, "level": level, "channel": "pagerduty", "notification": contact}
    return (kind, None, None, {**about, **data})


def test_who_was_called_who_has_it_and_who_is_next_is_part_of_it():
    ladder = ["L1 on-call", "L2 lead, 10m after the level before"]
    called = page(EventType.PAGE_FINISHED, "on-call", "L1", status="accepted")
    second = page(EventType.PAGE_FINISHED, "lead", "L2", status="deferred", reason="no answer", doubt=True)
    taken = (EventType.INCIDENT_ACKNOWLEDGED, None, None, {"by": "Ada", "note": "I look at db1"})
    packets = [
        hand_off_of(happened=[aimed("db1"), *more], ladder=ladder)
        for more in ([], [called], [called, second], [called, taken])
    ]

    assert [(each.called, each.taken, each.next_call) for each in packets] == [
        ((), "", ""),
        (
            ("00:00:02 L1 on-call by pagerduty: it arrived",),
            "nobody has said so",
            "L2 lead, 10m after the level before is called",
        ),
        (
            (
                "00:00:02 L1 on-call by pagerduty: it arrived",
                "00:00:03 L2 lead by pagerduty: it may have arrived: no answer",
            ),
            "nobody has said so",
            "nobody else is called",
        ),
        (("00:00:02 L1 on-call by pagerduty: it arrived",), "Ada at 00:00:03 UTC: I look at db1", ""),
    ]


def test_why_a_run_was_started_that_died_before_it_could_be_recorded_is_called_unknown():
    died = hand_off_of(happened=[(EventType.RUN_ABANDONED, None, None, {"outcome": "unknown"})], reason="")

    assert (
        "UTC; why is not told, as it could hold a secret of the inventory, which was not read by then." in died.happened
    )


def test_the_same_on_several_hosts_is_said_once():
    failed = [(EventType.VERIFICATION_FINISHED, "act", host, {**SAMPLED, "seen": {}}) for host in ("db1", "db2")]
    intended = [(EventType.STEP_INTENDED, "act", host, {}) for host in ("db1", "db2")]

    details = hand_off_of(happened=[aimed("db1", "db2"), *intended, *failed]).details

    assert details["seen"] == ["Act on db1, db2: It is done: failed: row.percent < 70 is not true"]


def test_what_nobody_did_is_nothing_and_not_left_open():
    assert hand_off_of("actions", "failure", happened=[]).provided == {"actions": ["nothing"], "failure": ["nothing"]}


def test_the_actions_are_what_was_begun_ended_and_answered_with_the_command():
    asked = (EventType.GATE_ANSWERED, "act", None, {"outcome": "passed", "by": "bob", "note": "go on"})
    began = (EventType.STEP_INTENDED, "act", "db1", {"command": "touch\n  /act"})

    assert hand_off_of("actions", happened=[aimed("db1"), asked, began]).provided == {
        "actions": ["00:00:02 answered Act: passed: bob: go on", "00:00:03 began Act on db1 (touch ⏎ /act)"]
    }


def test_what_this_run_does_not_know_makes_the_hand_off_incomplete():
    packet = hand_off_of("logs from elsewhere", "timeline", "trend", happened=[aimed("db1")])

    assert packet.missing == ("logs from elsewhere", "trend")
    assert packet.provided["trend"] == NOT_KNOWN
    assert packet.details["incomplete"] == "not known: logs from elsewhere, trend"


def test_of_a_run_of_which_nothing_could_be_recorded_everything_is_missing():
    assert hand_off(RUN, None, ["timeline"]).details == {
        "incomplete": "not known: timeline",
        "timeline": NOT_KNOWN,
        "run": RUN,
    }


def test_while_a_run_goes_on_the_hosts_stand_by_the_step_that_was_begun_last():
    made = records(*HAPPENED[:-1], first={**FIRST, **PLACE})
    now = record(60, EventType.RUN_STARTED)
    packet = hand_off(RUN, history(made, now=None), [])

    assert now.time > made[-1].time
    assert packet.standing == {"Act: unknown": ("db1",), "untouched": ("db2",)}
    assert [command for command, _ in packet.ways_on] == [
        f"cd /srv/ops && runbook status {RUN}",
        f"cd /srv/ops && runbook cancel {RUN}",
    ]


def test_a_run_whose_command_died_is_resumed():
    died = [aimed("db1"), (EventType.RUN_ABANDONED, None, None, {"outcome": "unknown"})]
    packets = [hand_off_of(happened=died), hand_off_of(happened=died, inputs={"token": "env:SHOP_TOKEN", "size": 3})]

    assert [packet.ways_on[0] for packet in packets] == [
        (f"cd /srv/ops && runbook resume {RUN}", f"continues where it stopped{needs}")
        for needs in ("", "; needs SHOP_TOKEN in the environment")
    ]


def test_a_state_directory_elsewhere_is_named_in_the_command():
    packet = hand_off_of(directory="/var/state of ops/runs/r")

    words = f"runbook --library /srv/ops --state-dir '/var/state of ops' resume {RUN}"
    assert [command for command, _ in packet.ways_on] == [words]


@pytest.mark.parametrize(
    ("directory", "line"),
    [
        ("/srv/ops/.runbook/runs/r", f"cd /srv/ops && /opt/tools/runbook resume {RUN}"),
        ("/var/state/runs/r", f"/opt/tools/runbook --library /srv/ops --state-dir /var/state resume {RUN}"),
    ],
)
def test_a_program_that_a_shell_does_not_find_is_named_by_its_path(directory, line):
    provenance = {**PLACE["provenance"], "program": "/opt/tools/runbook"}

    packet = hand_off_of(directory=directory, provenance=provenance)

    assert [command for command, _ in packet.ways_on] == [line]


def test_an_item_of_the_runbook_never_hides_what_every_packet_has():
    details = hand_off_of("run", "what happened").details

    assert (details["run"], details["what happened"]) == (RUN, hand_off_of().happened)


def test_only_where_somebody_was_called_an_item_is_missed():
    called = (EventType.PAGE_FINISHED, None, None, {"action": "trigger", "contact": "on-call", "status": "accepted"})
    first = {**FIRST, "provide": ["timeline", "logs"]}

    assert missing(history(records(aimed("db1"), first=first))) == ()
    assert missing(history(records(aimed("db1"), called, first=first))) == ("logs",)


def test_whoever_is_called_reads_first_how_to_take_it():
    run = history(records(*ENDED, first={**FIRST, **PLACE}), now=None)
    take = (f"cd /srv/ops && runbook ack {RUN}", "says that you have it: nobody else is called then")

    assert hand_off(RUN, run, (), calls=True).ways_on == (take, *hand_off(RUN, run, ()).ways_on)
