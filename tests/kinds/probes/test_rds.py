"""What RDS, as moto has it, says of an instance."""

from __future__ import annotations

import pytest
from harness.moto_server import REGION

from runner.kinds.probes.rds import look

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.fixture
def rds(aws):
    aws.reset()
    return aws.client("rds")


def question(aws, **more):
    return {"URL": aws.url, "REGION": REGION, "INSTANCE": "shop", "SECONDS": "60", **more}


def test_an_instance_tells_how_it_stands(aws, rds):
    shape = {"Engine": "postgres", "EngineVersion": "16.3", "DBInstanceClass": "db.t4g.micro", "AllocatedStorage": 20}
    made = {"MasterUsername": "shop", "MasterUserPassword": "a-password", "MultiAZ": True}
    rds.create_db_instance(DBInstanceIdentifier="shop", **shape, **made)

    instance = {"engine": "postgres", "version": "16.3", "size": "db.t4g.micro", "multi_az": True, "storage": 20}
    found = look(question(aws), 1_772_366_400.0)
    assert found == {"status": "available", "instance": {"status": "available", **instance}}
    # When it is stopped, it says so
    rds.stop_db_instance(DBInstanceIdentifier="shop")
    assert look(question(aws), 1_772_366_400.0)["status"] == "stopped"


def test_an_instance_that_is_not_there_says_so(aws, rds, why):
    assert why(look, question(aws)) == "there is no instance shop of RDS in eu-central-1"
