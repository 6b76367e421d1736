"""A service is what systemd says of it: a real one says it here, and whatever is not loaded under that name is no good."""

from __future__ import annotations

import pytest
from harness.systemd_lab import UNITS, SystemdLab

from runner.kinds.verifications.host.service_check import Service

LOADED = "Names=nginx.service\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n"


def service(**query):
    return Service.model_validate({"service": query})


@pytest.fixture(scope="module")
def systemd(tmp_path_factory):
    with SystemdLab(tmp_path_factory.mktemp("systemd")) as lab:
        yield lab


@pytest.mark.live
def test_a_real_systemd_is_understood(systemd, judge, argv):
    # Given a systemd with a unit in each state, asked for each state
    def verdict(name, **query):
        words, _ = argv(service(name="placeholder", **query))
        unit = name if "." in name else f"{name}.service"
        rc, stdout = systemd.run(*words[:-1], unit)
        return judge(service(name="{{ unit }}", **query), rc=rc, stdout=stdout, unit=name).partition(" ")[0]

    states = ("active", "inactive", "failed")
    verdicts = {name: [verdict(name, state=state) for state in states] for name in (*UNITS, "none", "u*", "1", "")}

    # Then each is in its own state only, and what is not there is in none
    wrong = "facts.ActiveState"
    assert verdicts == {
        "up": ["", wrong, wrong],
        "down": [wrong, "", wrong],
        "broken": [wrong, wrong, ""],
        "starting": [wrong] * 3,
        "masked": ["facts.LoadState", "", "facts.LoadState"],
        "none": ["facts.LoadState"] * 3,
        "u*": ["(unit)"] * 3,  # a pattern, which matches one
        "1": ["facts.LoadState"] * 3,
        "": ["facts.LoadState"] * 3,
    }
    assert [verdict(name, state="inactive", enabled=True) for name in ("down", "masked")] == ["facts.UnitFileState"] * 2
    assert [verdict(*each, enabled=True) for each in [("up",), ("test.target",)]] == ["", "facts.UnitFileState"]
    assert [verdict("up", enabled=False), verdict("masked", state="inactive", enabled=False)] == [
        "facts.UnitFileState",
        "",
    ]


@pytest.mark.parametrize(
    ("stdout", "verdict"),
    [
        (LOADED, ""),
        (LOADED.replace("Names=nginx", "Names=web.service nginx"), ""),  # an alias
        (LOADED.replace("nginx", "apache"), "'nginx.service' in facts.Names.split()"),
        (LOADED.replace("ActiveState=active", "ActiveState=activating"), "facts.ActiveState == 'active'"),
        (LOADED.replace("loaded", "error"), "facts.LoadState in ['loaded']"),
        ("", "facts.LoadState in ['loaded']: AnsibleUndefinedVariable"),
        ("nonsense", "facts.LoadState in ['loaded']: AnsibleTemplateError"),
    ],
)
def test_what_systemctl_prints_is_judged(judge, stdout, verdict):
    assert judge(service(name="nginx"), stdout=stdout) == verdict
    assert judge(service(name="{{ unit }}"), stdout=stdout, unit="nginx") == verdict.replace(
        "'nginx.service'",
        "(unit) ~ ('' if (unit) is search('[.](service|socket|timer|mount|automount|swap|target|path|slice|scope|device)$') else '.service')",
    )


def test_a_machine_without_systemd_gives_no_answer(judge):
    assert judge(service(name="nginx", state="inactive"), rc=1, stdout="").startswith("probe.rc")


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ngin*", "[x]", "x {{ y }}"])
def test_a_name_that_no_unit_has_is_refused(refusals, name):
    assert len(refusals(Service, service={"name": name})) == 1


def test_the_name_is_one_word_after_the_options(argv):
    assert argv(service(name="-x"))[0][-2:] == ["--", "-x.service"]
    assert argv(service(name="backup.timer"))[0][-1] == "backup.timer"
    assert argv(service(name="app@1.2"))[0][-1] == "app@1.2.service"


def test_it_is_said_in_words():
    assert service(name="nginx", enabled=True).describe() == "nginx is active and enabled"
    assert service(name="nginx", state="inactive", enabled=False).describe() == "nginx is inactive and not enabled"
