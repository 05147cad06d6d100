"""Rita, who reviews, and a ledger in which something was permitted, refused and removed."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations.review.evidence import code_hashes
from limited_use.ledger import ledger_sequencer
from limited_use.usage import rule_usage_counter
from tests import bound_tests, matrix
from tests.api import cast
from tests.api.conftest import _as_web, alice, keyring, mailbox, mine, synced
from tests.test_routes import staff
from tests.walls import acting_as, requests_act_as_web

__all__ = ["_as_web", "alice", "keyring", "mailbox", "mine", "requests_act_as_web", "synced"]

MESSAGES = "/v1/users/me/messages"


@pytest.fixture
def rita(alice):
    """The browser of a reviewer, with a second factor."""
    return cast.desk(staff("reviewer", alice.organisation))


@pytest.fixture
def otto(alice):
    """The browser of an operator, with a second factor."""
    return cast.desk(staff("operator", alice.organisation))


@pytest.fixture
def campaigns(alice):
    """A feature that asks for mail, to market."""
    client = cast.campaigns()
    return cast.feature(client, cast.switch_on(alice, client), "marketing")


def as_worker():
    """Have the rights of those that keep promises and clocks, and no others."""
    return acting_as(ProcessClass.PURGE)


def run_sequencer_and_tally():
    """Have the sequencer and the tally do what they do every few seconds."""
    with as_worker():
        ledger_sequencer.run_sequencer(timezone.now())
        rule_usage_counter.count_applied_rules(at=timezone.now())


@pytest.fixture
def used(alice, campaigns):
    """Alice read her inbox; a campaign tried to."""
    assert cast.browser(alice.user).get(MESSAGES).status_code == 200
    assert campaigns.get(MESSAGES).status_code == 403
    run_sequencer_and_tally()


def make_run(*, rows=None, code=None, at=None):
    """Return the file of a run; by default, every bound test passed on this code."""
    if rows is None:
        rows = [
            {"marker": bound.marker, "id": bound.id, "test": test, "outcome": "passed"}
            for bound, tests in bound_tests.find_bound_tests().items()
            for test in tests
        ]
    content = matrix.document(
        rows,
        outcomes=[row["outcome"] for row in rows],
        code=code_hashes.hash_packages() if code is None else code,
        finished_at=at or timezone.now(),
    )
    return json.dumps(content).encode()


@pytest.fixture
def with_results(settings, tmp_path):
    """Return a way to give the release the results of a run."""

    def give(content=None):
        file = tmp_path / "test-results.json"
        file.write_bytes(make_run() if content is None else content)
        settings.TEST_RESULTS = str(file)

    return give
