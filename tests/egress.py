"""
No test reaches for anything but this machine, not even where the refusal is swallowed.

pytest-socket refuses sockets; this one hears of what was tried, and fails the test that did.
"""

from __future__ import annotations

import pytest

from config import egress as ways
from config import egress_tripwire

_TRIED: list[egress_tripwire.EgressAttempt] = []


def pytest_configure():
    # The tests themselves start servers and browsers.
    egress_tripwire.arm_tripwire(
        egress_tripwire.Tripwire(
            endpoints=frozenset(),
            record_attempt=_TRIED.append,
            # Within a request to a provider or to the key store that very port, and no other.
            get_open_endpoint=ways.get_open_endpoint,
            allows_loopback=True,
            allows_processes=True,
        )
    )


@pytest.fixture(autouse=True)
def egress():
    """Return what was refused so far; a test that leaves anything in it fails."""
    _TRIED.clear()
    yield _TRIED
    assert _TRIED == [], "this test reached for a place outside"
