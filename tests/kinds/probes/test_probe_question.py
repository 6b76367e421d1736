"""How a probe is asked: which address a token may be sent to."""

from __future__ import annotations

import subprocess
import sys

import pytest

from runner.kinds.probes.probe_question import check_address


@pytest.mark.parametrize("url", ["http://127.0.0.1:9090", "https://prometheus.example.com/prefix"])
def test_an_address_is_one_of_http(url):
    check_address(url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("prometheus:9090", "its address does not begin with http:// or https://"),
        ("file:///etc/passwd", "its address does not begin with http:// or https://"),
        ("https://", "its address does not begin with http:// or https://"),
        ("https://me:hunter2@host", "there is a user in its address; a password is given by `token`"),
    ],
)
def test_what_is_none_is_refused_and_not_repeated(url, said):
    with pytest.raises(ValueError, match="address") as error:
        check_address(url)
    assert str(error.value) == said


def test_the_kinds_do_not_load_what_only_a_program_needs():
    # Every command knows the kinds, and few of them ask over HTTP
    code = "import sys, runner.kinds.verifications.monitoring.metric_probe; print('urllib.request' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
