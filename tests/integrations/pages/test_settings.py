"""The settings page, from our own rows alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.models import (
    AttemptOutcome,
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    StatusReason,
    SyncWork,
)
from integrations.models.connection import LIVE
from integrations.settings import connect_results, status_messages
from tests.integrations.pages import reading

pytestmark = pytest.mark.django_db
SETTINGS = "/settings/integrations/"


def _stands(house, status, reason=StatusReason.NONE):
    Integration.objects.filter(id=house.integration.id).update(
        status=status, status_reason=reason, status_since=house.at
    )
    if status == IntegrationStatus.REAUTH_REQUIRED:
        Connection.objects.filter(id=house.connection.id).update(
            status=ConnectionStatus.REAUTH_REQUIRED, reauth_since=house.at
        )


class TestSettingsPage:
    @pytest.mark.scenario("U1")
    @pytest.mark.parametrize("dead", ["access_token", "refresh_token"])
    def test_answers_with_every_token_dead_and_the_provider_out_of_reach(
        self, alice, her_browser, settings, dead
    ):
        # Nothing listens there, and a test that tried another host would fail.
        settings.GOOGLE = replace(
            settings.GOOGLE, token_url="http://127.0.0.1:9/", api_root_url="http://127.0.0.1:9/"
        )
        Connection.objects.filter(id=alice.connection.id).update(
            access_expires_at=alice.at - timedelta(days=9), **{dead: None}
        )

        answer = her_browser.get(SETTINGS)

        assert answer.status_code == 200
        assert "alice@gmail.example" in answer.text

    @pytest.mark.scenario("U2")
    @pytest.mark.parametrize("status", [one for one in LIVE if one != IntegrationStatus.ACTIVE])
    def test_offers_one_primary_action_for_each_status(self, alice, her_browser, status):
        _stands(alice, status)

        (card,) = reading.cards(her_browser.get(SETTINGS).text)

        assert len(reading.elements(card, "button", "primary")) == 1
        assert status_messages.STATUS[status].label in reading.text(card)

    @pytest.mark.scenario("U2")
    @pytest.mark.parametrize("reason", [one for one in StatusReason if one])
    def test_says_each_reason_and_offers_one_primary_action(self, alice, her_browser, reason):
        _stands(alice, IntegrationStatus.DEGRADED, reason)

        (card,) = reading.cards(her_browser.get(SETTINGS).text)

        assert status_messages.REASON[reason] in reading.text(card)
        assert len(reading.elements(card, "button", "primary")) == 1

    @pytest.mark.scenario("X4")
    def test_puts_reconnecting_before_disconnecting(self, alice, her_browser):
        _stands(alice, IntegrationStatus.REAUTH_REQUIRED, StatusReason.GRANT_REVOKED)

        (card,) = reading.cards(her_browser.get(SETTINGS).text)

        buttons = [one["class"] for one in reading.elements(card, "button")]
        assert buttons[0] == "button primary"
        assert card.index("Reconnect<") < card.index("Disconnect<")
        assert "nothing is lost" in reading.text(card)

    def test_says_so_when_nobody_is_working(self, alice, her_browser):
        long_ago = timezone.now() - timedelta(hours=1)
        SyncWork.objects.filter(integration=alice.integration).update(
            next_sync_at=long_ago, heartbeat_at=long_ago
        )

        (card,) = reading.cards(her_browser.get(SETTINGS).text)

        assert status_messages.REASON[StatusReason.NO_WORKER] in reading.text(card)

    def test_brings_badge_and_buttons_only_when_the_status_is_another(self, alice, her_browser):
        address = reverse("settings-progress", args=[alice.integration.id])

        same = her_browser.get(address, {"was": "Importing"}).text
        other = her_browser.get(address, {"was": "Connected"}).text

        assert "hx-swap-oob" not in same
        assert other.count("hx-swap-oob") == 2

    def test_shows_the_details_of_an_account(self, alice, her_browser):
        answer = her_browser.get(reverse("settings-details", args=[alice.integration.id]))

        assert "gmail.readonly" in answer.text
        assert "Not compared yet." in answer.text


class TestSettingsTexts:
    def test_know_every_status_and_reason(self):
        assert set(status_messages.STATUS) == set(IntegrationStatus)
        assert set(status_messages.REASON) == set(StatusReason)

    def test_offer_reconnecting_for_a_missing_permission(self):
        found = status_messages.get_status_message(
            IntegrationStatus.DEGRADED, StatusReason.SCOPE_MISSING
        )

        assert found.action == status_messages.StatusAction.RECONNECT

    def test_of_outcomes_are_each_their_own(self):
        assert set(connect_results.OUTCOMES) == set(AttemptOutcome) - {AttemptOutcome.PENDING}
        assert len({one.title for one in connect_results.OUTCOMES.values()}) == len(
            connect_results.OUTCOMES
        )
