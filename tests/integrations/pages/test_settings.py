"""The settings page, from our own rows alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse
from django.utils import timezone

from integrations.connections import status_messages
from integrations.connections.messages import PURPOSES
from integrations.models import (
    AttemptOutcome,
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    Message,
    StatusReason,
    SyncStage,
    SyncWork,
)
from integrations.models.connection import LIVE
from integrations.providers import PROVIDERS
from integrations.settings import connect_results
from limited_use.vault import data_keys
from tests.api import cast
from tests.factories import make_integration
from tests.integrations import household as houses
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
        assert str(status_messages.STATUS[status].label) in reading.text(card)

    @pytest.mark.scenario("U2")
    @pytest.mark.parametrize("reason", [one for one in StatusReason if one])
    def test_says_each_reason_and_offers_one_primary_action(self, alice, her_browser, reason):
        _stands(alice, IntegrationStatus.DEGRADED, reason)

        (card,) = reading.cards(her_browser.get(SETTINGS).text)

        assert str(status_messages.REASON[reason]) in reading.text(card)
        assert len(reading.elements(card, "button", "primary")) == 1

    def test_calls_a_product_delayed_only_where_its_owner_notices_something(
        self, alice, her_browser
    ):
        late = StatusReason.PROVIDER_UNAVAILABLE
        labels = {}
        for reason in (late, StatusReason.SCOPE_MISSING, StatusReason.PUSH_SILENT):
            _stands(alice, IntegrationStatus.DEGRADED, reason)
            (card,) = reading.cards(her_browser.get(SETTINGS).text)
            labels[reason] = "Delayed" in reading.text(card)

        assert [reason for reason, is_delayed in labels.items() if is_delayed] == [late]

    @pytest.mark.scenario("X4")
    def test_puts_reconnecting_before_disconnecting(self, alice, her_browser):
        _stands(alice, IntegrationStatus.REAUTH_REQUIRED, StatusReason.GRANT_REVOKED)

        (card,) = reading.cards(her_browser.get(SETTINGS).text)

        buttons = [one["class"] for one in reading.elements(card, "button")]
        assert buttons[0] == "button primary"
        assert card.index(">Reconnect<") < card.index(">Disconnect<")
        assert "nobody else can. Reconnect before" in reading.text(card)

    def test_says_once_that_the_access_ended(self, alice, her_browser):
        _stands(alice, IntegrationStatus.REAUTH_REQUIRED, StatusReason.GRANT_REVOKED)

        (card,) = reading.cards(her_browser.get(SETTINGS).text)

        shown = reading.text(card)
        assert "Google ended the access." in shown
        assert str(status_messages.REASON[StatusReason.GRANT_REVOKED]) not in shown

    def test_asks_for_a_confirmation_where_the_provider_wants_one(self, alice, her_browser):
        _stands(alice, IntegrationStatus.REAUTH_REQUIRED, StatusReason.CONFIRMATION_NEEDED)

        (card,) = reading.cards(her_browser.get(SETTINGS).text)

        assert "Google asks you to confirm that it is you" in reading.text(card)
        assert "ended the access" not in reading.text(card)

    @pytest.mark.parametrize(
        ("ends", "label"), [(True, "Please reconnect"), (False, "Permission missing")]
    )
    def test_names_a_missing_permission_as_its_button_does(self, alice, her_browser, ends, label):
        _stands(alice, IntegrationStatus.REAUTH_REQUIRED, StatusReason.SCOPE_MISSING)
        if not ends:
            Connection.objects.update(status=ConnectionStatus.ACTIVE, reauth_since=None)

        (card,) = reading.cards(her_browser.get(SETTINGS).text)

        shown = reading.text(card)
        assert label in shown
        assert ("Grant permission" in shown) is not ends

    def test_says_so_when_nobody_is_working(self, alice, her_browser):
        long_ago = timezone.now() - timedelta(hours=1)
        SyncWork.objects.filter(integration=alice.integration).update(
            next_sync_at=long_ago, heartbeat_at=long_ago
        )

        (card,) = reading.cards(her_browser.get(SETTINGS).text)

        assert str(status_messages.REASON[StatusReason.NO_WORKER]) in reading.text(card)
        # A time that has passed is no promise.
        assert "next try" not in reading.text(card)

    @pytest.mark.parametrize(
        ("done", "expected", "pause", "said"),
        [
            (430, 1200, StatusReason.NONE, "430 of about 1,200 messages · about 5 min left"),
            (430, 1200, StatusReason.RATE_LIMITED, "430 of about 1,200 messages"),
            (430, 0, StatusReason.NONE, "430 messages so far"),
            (0, 0, StatusReason.NONE, "Counting your messages"),
            (1195, 1200, StatusReason.NONE, "1,195 of about 1,200 messages · almost done"),
        ],
    )
    def test_estimates_an_import_only_from_what_is_known(  # noqa: PLR0917
        self, alice, her_browser, done, expected, pause, said
    ):
        at = timezone.now()
        _stands(alice, IntegrationStatus.SYNCING)
        Integration.objects.update(switched_on_at=at - timedelta(minutes=3))
        SyncWork.objects.filter(integration=alice.integration).update(
            stage=SyncStage.SNAPSHOT,
            first_synced_at=None,
            done_count=done,
            expected_count=expected,
            pause_reason=pause,
            next_sync_at=at + timedelta(minutes=1),
        )

        (card,) = reading.cards(her_browser.get(SETTINGS).text)

        assert said in reading.text(card)
        assert ("left" in reading.text(card)) is ("left" in said)
        assert ("almost done" in reading.text(card)) is ("almost done" in said)

    def test_brings_badge_and_buttons_only_when_the_status_is_another(self, alice, her_browser):
        address = reverse("settings-progress", args=[alice.integration.id])

        same = her_browser.get(address, {"was": "Importing"}).text
        other = her_browser.get(address, {"was": "Connected"}).text

        assert "hx-swap-oob" not in same
        assert other.count("hx-swap-oob") == 2

    def test_shows_the_details_of_an_account(self, alice, her_browser):
        answer = her_browser.get(reverse("settings-details", args=[alice.integration.id]))

        assert "gmail.readonly" in answer.text.split("Technical names")[1]
        assert "Not compared yet." in answer.text


class TestAccountCard:
    def test_holds_every_product_of_one_account(self, alice, her_browser):
        calendars = make_integration(alice.connection, product="calendar", consent=False)
        _stands(alice, IntegrationStatus.ACTIVE)
        SyncWork.objects.filter(integration=alice.integration).update(
            stage=SyncStage.DELTA, last_synced_at=timezone.now() - timedelta(minutes=2)
        )

        (card,) = reading.cards(her_browser.get(SETTINGS).text)

        shown = reading.text(card)
        assert "alice@gmail.example Google" in shown
        assert shown.index("Mail") < shown.index("Calendar")
        assert "Last checked 2 minutes ago" in shown
        links = reading.links(card)
        assert reverse("settings-details", args=[alice.integration.id]) in links
        assert reverse("settings-calendars", args=[calendars.id]) in links
        for integration in (alice.integration, calendars):
            assert reverse("settings-disconnect", args=[integration.id]) in links
        assert len(reading.elements(card, "button", "primary")) == 2

    def test_offers_the_product_that_is_not_connected(self, alice, her_browser):
        (card,) = reading.cards(her_browser.get(SETTINGS).text)

        assert "Add calendar" in reading.text(card)
        assert f"/settings/connect/google/?product=calendar&connection={alice.connection.id}" in [
            unescape(link) for link in reading.links(card)
        ]

    def test_names_the_account_of_calendars_without_mail(self, alice, her_browser):
        Integration.objects.filter(id=alice.integration.id).update(product="calendar")

        (card,) = reading.cards(her_browser.get(SETTINGS).text)

        assert "alice@gmail.example" in reading.text(card)
        assert "Add mail" in reading.text(card)

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_has_a_mark_for_each_provider(self, provider):
        assert finders.find(f"antares/provider-{provider}.svg")


class TestConnectingFirst:
    def test_comes_before_everything_else_where_nothing_is_connected(self, db):
        user, *_ = houses.person("carol", at=timezone.now())
        client = cast.browser(user)

        page = client.get(SETTINGS).text.split("<main")[1]

        assert page.index("Connect an account") < page.index('aria-labelledby="connected"')
        offers = page[page.index('class="offers"') : page.index("</ul>")]
        assert len(reading.elements(offers, "button", "primary")) == offers.count("<li>") > 0

    def test_comes_after_the_accounts_where_there_are_some(self, alice, her_browser):
        page = her_browser.get(SETTINGS).text

        assert page.index('aria-labelledby="connected"') < page.index("Connect another account")
        offers = page[page.index('class="offers"') :]
        assert not reading.elements(offers[: offers.index("</ul>")], "button", "primary")

    @pytest.mark.parametrize("product", PURPOSES)
    def test_says_what_each_connection_enables_and_what_is_limited_without_it(
        self, alice, her_browser, product
    ):
        purpose = PURPOSES[product]

        for page in (SETTINGS, f"/settings/connect/google/?product={product}"):
            shown = reading.text(her_browser.get(page).text)
            assert str(purpose.enables) in shown
            assert str(purpose.limits) in shown


class TestDisconnectPage:
    @pytest.mark.claim("disconnect.removes")
    def test_counts_nothing_where_nothing_is_stored(self, alice):
        browser = cast.browser(alice.user, recent=True)
        page = reverse("settings-disconnect", args=[alice.integration.id])
        assert not Message.objects.filter(integration=alice.integration).exists()

        shown = reading.text(browser.get(page).text)

        assert "Antares stores no messages or events from Google mail now." in shown
        assert "0 messages" not in shown


class TestMailboxDetails:
    def test_keep_the_chosen_time(self, alice, her_browser):
        address = reverse("settings-horizon", args=[alice.integration.id])

        answer = her_browser.post(address, {"horizon_days": "30"}, follow=True)

        shown = reading.text(answer.text)
        assert "Antares stores the mail of the last 30 days." in shown
        assert Integration.objects.get(id=alice.integration.id).horizon_days == 30
        her_browser.post(address, {"horizon_days": "31"})
        assert Integration.objects.get(id=alice.integration.id).horizon_days == 30

    def test_name_their_account_while_its_key_can_be_used(self, alice):
        browser = cast.browser(alice.user, recent=True)
        pages = [
            reverse(name, args=[alice.integration.id])
            for name in ("settings-details", "settings-export", "settings-disconnect")
        ]
        address = "<bdi>alice@gmail.example</bdi>"
        assert [address in browser.get(page).text for page in pages] == [True] * 3

        data_keys.destroy_data_key(holder=alice.connection.id)
        data_keys.drop_cached_keys()

        answers = [browser.get(page) for page in pages]
        assert [answer.status_code for answer in answers] == [200] * 3
        assert not any(address in answer.text for answer in answers)

    def test_call_no_permission_granted_after_access_ended(self, alice, her_browser):
        page = reverse("settings-details", args=[alice.integration.id])
        assert "Granted" in reading.text(her_browser.get(page).text)

        _stands(alice, IntegrationStatus.REAUTH_REQUIRED, StatusReason.GRANT_REVOKED)

        answer = her_browser.get(page)
        permissions = answer.context["permissions"]
        assert {(str(one.state), one.tone) for one in permissions} == {("Access ended", "bad")}

    def test_are_of_mail_alone(self, alice, her_browser):
        calendars = make_integration(alice.connection, product="calendar", consent=False)

        for name in ("settings-details", "settings-progress", "settings-export"):
            assert her_browser.get(reverse(name, args=[calendars.id])).status_code == 404


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
