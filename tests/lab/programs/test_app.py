"""What the web shop answers, from the release on disk, the database, and its own past."""

from dataclasses import replace
from http import HTTPStatus

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.lab.programs.app import WINDOW, ShopService, Traffic
from runner.lab.shop import BAD, CURRENT, GOOD, write_releases

EXHAUSTED = 'connection failed: FATAL:  remaining connection slots are reserved for roles with "SUPERUSER"'


@pytest.fixture
def shop(tmp_path):
    write_releases(tmp_path)
    return ShopService(tmp_path, lambda: 1000)


def release(shop, version):
    link = shop.release_root / "next"
    link.symlink_to(f"releases/{version}")
    link.replace(shop.release_root / "current")


def no_connection():
    raise psycopg.OperationalError(f"connection refused\n{EXHAUSTED}\n")


def test_a_healthy_shop(shop):
    assert [shop.answer(path) for path in ("/health", "/orders", "/cart")] == [
        (HTTPStatus.OK, {"version": CURRENT, "status": "ok", "orders": 1000}),
        (HTTPStatus.OK, {"orders": 1000}),
        (HTTPStatus.NOT_FOUND, {"error": "there is no /cart"}),
    ]


def test_without_a_connection_it_says_why(shop):
    shop = replace(shop, count_orders=no_connection)

    assert [shop.answer(path) for path in ("/health", "/orders")] == [
        (HTTPStatus.SERVICE_UNAVAILABLE, {"version": CURRENT, "status": "fail", "error": EXHAUSTED}),
        (HTTPStatus.SERVICE_UNAVAILABLE, {"error": EXHAUSTED}),
    ]


def counted(answer):
    """The answer without what depends on the machine's speed."""
    status, body = answer
    return status, {key: value for key, value in body.items() if key != "latency_p95_ms"}


def test_a_release_is_a_switch_of_the_link_and_starts_the_metrics_anew(shop):
    shop.answer("/orders")
    before = counted(shop.answer("/metrics"))

    release(shop, GOOD)

    assert [before, shop.answer("/health"), counted(shop.answer("/metrics"))] == [
        (HTTPStatus.OK, {"version": CURRENT, "requests": 1, "errors": 0, "error_rate_5m": 0.0}),
        (HTTPStatus.OK, {"version": GOOD, "status": "ok", "orders": 1000}),
        (HTTPStatus.OK, {"version": GOOD, "requests": 0, "errors": 0, "error_rate_5m": 0.0}),
    ]


def test_a_bad_release_fails_its_customers_though_it_is_healthy(shop):
    release(shop, BAD)

    answers = [counted(shop.answer(path)) for path in ("/health", "/orders", "/orders", "/metrics")]

    failed = (HTTPStatus.INTERNAL_SERVER_ERROR, {"error": f"release {BAD} cannot read an order"})
    assert answers == [
        (HTTPStatus.OK, {"version": BAD, "status": "ok", "orders": 1000}),
        failed,
        failed,
        (HTTPStatus.OK, {"version": BAD, "requests": 2, "errors": 2, "error_rate_5m": 1.0}),
    ]


def test_without_a_release_it_is_unavailable(shop):
    (shop.release_root / "current").unlink()

    assert shop.answer("/health") == (
        HTTPStatus.SERVICE_UNAVAILABLE,
        {"status": "fail", "error": "no release: No such file or directory"},
    )


@given(st.lists(st.tuples(st.floats(0, 3 * WINDOW), st.booleans(), st.integers(0, 2000))), st.floats(0, WINDOW))
def test_the_metrics_are_those_of_the_last_five_minutes(requests, later):
    requests.sort()
    now = max((moment for moment, _, _ in requests), default=0.0) + later
    traffic = Traffic()

    for moment, failed, milliseconds in requests:
        traffic.note("1", failed=failed, now=moment, took=milliseconds / 1000)

    recent = [(failed, milliseconds) for moment, failed, milliseconds in requests if moment >= now - WINDOW]
    slowest_first = sorted((milliseconds for _, milliseconds in recent), reverse=True)
    assert traffic.metrics("1", now=now) == {
        "version": "1",
        "requests": len(recent),
        "errors": sum(failed for failed, _ in recent),
        "error_rate_5m": sum(failed for failed, _ in recent) / len(recent) if recent else 0.0,
        "latency_p95_ms": slowest_first[len(recent) // 20] if recent else 0.0,
    }
