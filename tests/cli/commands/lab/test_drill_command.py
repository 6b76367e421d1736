"""`runbook drill`: what it refuses before anything is broken."""


def test_a_runbook_without_a_drill_is_refused(runbook, here):
    ran = runbook("--library", "shipped", "drill", "RUN-040", "-i", "inventories/lab")

    assert (ran.code, "RUN-040 says nothing of how it is rehearsed" in ran.err) == (2, True)


def test_an_inventory_that_is_not_there_is_an_error(runbook, here):
    ran = runbook("--library", "shipped", "drill", "RUN-001", "-i", "inventories/nowhere")

    assert (ran.code, "there is no inventory inventories/nowhere" in ran.err) == (2, True)
