"""The whole way over HTTP: the real client library against the stand-in for Google."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integrations.mail.sync import mail_reconciliation
from integrations.models import (
    IntegrationStatus,
    QuotaBucket,
    Reconciliation,
    StatusReason,
    SyncStage,
)
from tests.integrations import household as houses
from tests.worlds.sandbox import CLIENT_ID, CLIENT_SECRET

ALICE = "alice@example.com"
GET = "gmail.users.messages.get"


@pytest.fixture
def google(sandbox, settings):
    settings.GOOGLE = replace(
        settings.GOOGLE,
        api_root_url=sandbox.url,
        token_url=f"{sandbox.url}/token",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )
    return sandbox


def make_connected_house(sandbox, **more):
    granted = sandbox.authorize(ALICE)
    return houses.household(tokens=(granted["access_token"], granted["refresh_token"]), **more)


@pytest.mark.django_db(transaction=True)
class TestAMailboxAtTheSandbox:
    def test_arrives_whole_and_follows_changes(self, google):
        google.seed(ALICE, size=300, seed=7, days=60)
        google.dial(units_per_minute=0, concurrency=0)
        house = make_connected_house(google)

        house.settle()

        theirs = google.mailbox(ALICE)
        last = Reconciliation.objects.latest("compared_at")
        assert house.work.stage == SyncStage.DELTA
        assert last.provider_count == last.our_count + last.missing_count - last.extra_count
        assert house.messages.count() > 250, theirs

        delivered = google.deliver(ALICE, subject="hello")
        house.settle()
        count = house.messages.count()
        google.delete(ALICE, delivered["id"])
        house.settle()
        assert house.messages.count() == count - 1

    def test_is_read_within_the_quota_without_meeting_429(self, google, settings):
        google.seed(ALICE, size=60, seed=7, days=60)
        settings.GMAIL_UNITS_PER_MINUTE = 6_000
        house = make_connected_house(google)

        house.settle()

        counters = google.counters()
        assert house.status[0] in {IntegrationStatus.ACTIVE, IntegrationStatus.DEGRADED}
        assert QuotaBucket.objects.exists()
        assert counters.get("problems", {}).get("429", 0) == 0

    @pytest.mark.scenario("S5")
    def test_takes_a_new_round_when_history_expired(self, google):
        google.seed(ALICE, size=40, seed=7, days=30)
        google.dial(units_per_minute=0, concurrency=0)
        house = make_connected_house(google)
        house.settle()
        before = house.messages.count()
        google.expire_history(ALICE)

        house.settle()

        assert house.work.round == 2
        assert house.messages.count() == before

    def test_refreshes_an_expired_token_and_goes_on(self, google):
        google.seed(ALICE, size=20, seed=7, days=30)
        house = make_connected_house(google)
        google.expire_access(ALICE)

        house.settle()

        assert house.messages.count() > 10
        assert google.calls("/token") == 2

    def test_repeats_only_the_refused_fetch_of_a_batch_with_one_new_token(self, google):
        google.seed(ALICE, size=20, seed=7, days=30)
        house = make_connected_house(google)
        house.settle()
        count, renewed = house.messages.count(), google.calls("/token")
        for number in range(3):
            google.deliver(ALICE, subject=f"message {number}")
        fetched = google.calls(GET)
        google.fail_next(problem="invalid_credentials", path_contains="/messages/")

        house.settle()

        assert house.messages.count() == count + 3
        # The sandbox does not count the refused fetch: two others, and its repetition.
        assert google.calls(GET) == fetched + 3
        assert google.calls("/token") == renewed + 1

    def test_asks_for_a_reconnect_when_the_grant_was_revoked(self, google):
        google.seed(ALICE, size=20, seed=7, days=30)
        house = make_connected_house(google)
        google.revoke_grant(ALICE)

        house.run()

        assert house.status[0] == IntegrationStatus.REAUTH_REQUIRED

    @pytest.mark.scenario("O5")
    def test_several_fetches_at_once_never_get_each_others_answers(self, google, settings):
        google.seed(ALICE, size=200, seed=11, days=30)
        google.dial(units_per_minute=0, concurrency=0)
        settings.GMAIL_CONCURRENCY = 8
        house = make_connected_house(google)

        house.settle()

        assert house.messages.values("remote_blind").distinct().count() == house.messages.count()
        assert Reconciliation.objects.latest("compared_at").missing_count == 0

    @pytest.mark.scenario("S1")
    def test_heals_what_the_provider_left_out_of_its_listing(self, google):
        google.seed(ALICE, size=100, seed=7, days=30)
        google.dial(units_per_minute=0, concurrency=0, list_omission=0.1)
        house = make_connected_house(google)
        house.settle()
        short = house.messages.count()
        google.dial(list_omission=0.0)
        mail_reconciliation.request_reconciliation(integration_id=house.integration.id, at=house.at)

        house.settle()

        last = Reconciliation.objects.latest("compared_at")
        assert last.missing_count == last.repaired_count > 0
        assert house.messages.count() == short + last.repaired_count == last.provider_count
        assert house.status[1] != StatusReason.COUNT_MISMATCH

    @pytest.mark.scenario("S10")
    def test_does_not_mind_messages_that_vanish_between_list_and_get(self, google):
        google.seed(ALICE, size=60, seed=7, days=30)
        google.dial(units_per_minute=0, concurrency=0, vanish_after_list=0.2)
        house = make_connected_house(google)

        house.settle()

        assert house.work.stage == SyncStage.DELTA
