"""`rds`: which instance is asked for, and what must hold of it."""

from __future__ import annotations

from datetime import timedelta

from runner.kinds.verifications.monitoring.rds_probe import Rds


def test_an_instance_is_available_unless_it_says_otherwise():
    kind = Rds.model_validate({"rds": {"instance": "shop", "region": "eu-central-1"}})

    assert kind.conditions(None) == ("problem == ''", "status == 'available'")
    assert kind.expressions == ("status == 'available'",)
    assert kind.describe() == "status == 'available' (instance shop of RDS)"
    environment = kind.probe(timedelta(seconds=10)).environment
    assert environment == {"PROBE_INSTANCE": "shop", "PROBE_REGION": "eu-central-1", "PROBE_SECONDS": "9"}


def test_what_is_known_of_it_has_names():
    kind = Rds.model_validate({"rds": {"instance": "shop", "that": "instance.multi_az"}})

    assert list(kind.probe(timedelta(seconds=10)).names) == ["problem", "status", "instance"]
