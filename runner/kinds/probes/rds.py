"""Asks Amazon RDS how a database instance stands.

python3 -m probes.rds, with the question in PROBE_ variables.
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .asked_service import UnknownError, answer
from .aws import AwsService, RefusedError, refused
from .probe_question import Question

_NAMES = {"status": "DBInstanceStatus", "engine": "Engine", "version": "EngineVersion", "size": "DBInstanceClass"}
_FLAGS = {"multi_az": "MultiAZ"}


def look(question: Question, now: float) -> Mapping[str, Any]:
    """The instance: its status, engine, version, size, whether it is in several zones, and its storage in GiB.

    Raises:
        UnknownError: there is no such instance, or nobody can tell.
    """
    service, name = AwsService.of("rds", "2014-10-31", question), question["INSTANCE"]
    try:
        tree = service.ask("DescribeDBInstances", {"DBInstanceIdentifier": name}, now)
    except RefusedError as refusal:
        if refusal.code == "DBInstanceNotFound":
            raise UnknownError(f"there is no instance {name} of RDS in {service.region}") from None
        raise refused(refusal) from None
    if tree.find(".//DBInstances") is None:
        raise UnknownError(f"RDS in {service.region} answers with something else than it should; is that its address?")
    instance = tree.find(".//DBInstances/DBInstance")
    if instance is None or not instance.findtext("DBInstanceStatus"):
        raise UnknownError(f"AWS says nothing of the instance {name}")
    found: dict[str, Any] = {key: instance.findtext(tag, "") for key, tag in _NAMES.items()}
    found |= {key: instance.findtext(tag) == "true" for key, tag in _FLAGS.items()}
    return {
        "instance": {**found, "storage": int(instance.findtext("AllocatedStorage", "0"))},
        "status": found["status"],
    }


if __name__ == "__main__":
    answer(look)
