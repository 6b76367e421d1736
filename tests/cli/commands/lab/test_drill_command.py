"""`runbook drill`: what it refuses before anything is broken."""


def test_production_and_a_runbook_without_a_drill_are_refused(runbook, here):
    ran = [
        runbook("--library", "shipped", "drill", "RUN-001", "-i", "inventories/production"),
        runbook("--library", "shipped", "drill", "RUN-040", "-i", "inventories/lab"),
    ]

    assert [each.code for each in ran] == [2, 2]
    assert "inventories/production is production: nothing is broken there" in ran[0].err
    assert "RUN-040 says nothing of how it is rehearsed" in ran[1].err


def test_an_inventory_that_is_not_there_is_an_error(runbook, here):
    ran = runbook("--library", "shipped", "drill", "RUN-001", "-i", "inventories/nowhere")

    assert (ran.code, "there is no inventory inventories/nowhere" in ran.err) == (2, True)
