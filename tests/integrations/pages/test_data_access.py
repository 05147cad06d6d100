"""The page Access: features and shares with their switches, and what is never allowed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import display_times
from accounts.models import Delegation
from integrations.models import Integration, PurgeJob
from integrations.settings.data_use import feature_status, messages
from integrations.settings.data_use.feature_status import FeatureState
from limited_use.agreements import consents
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import DataClass, Recipient
from limited_use.policy.rules import PERMISSION_RULES, PROHIBITION_RULES
from limited_use.policy.stored_data import describe_stored_data
from tests.api import cast
from tests.broker import record_messages
from tests.factories import make_message
from tests.integrations import household as houses
from tests.integrations.pages import reading

pytestmark = pytest.mark.django_db(transaction=True)
ACCESS = "/settings/access/"
WIDGET = "/settings/features/inbox-widget/"
V1 = "/v1/users/me"


@pytest.fixture(autouse=True)
def no_broker(monkeypatch):
    record_messages(monkeypatch)


@pytest.fixture
def bob(alice):
    """Return a colleague with a mailbox of their own."""
    who = houses.person("bob", alice.organisation, at=timezone.now())
    return houses.household(who=who)


def show_access(browser):
    answer = browser.get(ACCESS)
    assert answer.status_code == 200
    return answer.text


def find_card(html, title):
    cards = html.split('<article class="card"')[1:]
    return next(card.split("</article>")[0] for card in cards if f">{title}</h3>" in card)


def list_changes(browser):
    """Return the changes of accounts and agreements, as the list of entries names them."""
    html = browser.get("/settings/activity/entries/", {"by": "none"}).text
    return [reading.text(line.split("</strong>")[0]) for line in html.split("<strong>")[1:]]


def change_description(monkeypatch, key):
    monkeypatch.setitem(FEATURES, key, replace(FEATURES[key], version=FEATURES[key].version + 1))


class TestAccess:
    @pytest.mark.clause("AN-1")
    @pytest.mark.clause("LU-1")
    @pytest.mark.clause("GWDP-notice")
    def test_names_every_feature_with_its_declaration(self, her_browser):
        html = show_access(her_browser)

        for feature in FEATURES.values():
            said = reading.text(find_card(html, feature.title))
            if not feature.purposes:
                assert "Uses no data" in said
                continue
            assert feature.where in said
            for data_class in feature.data_classes:
                assert str(messages.DATA_CLASS[data_class]) in said
            assert describe_stored_data(feature) in said

    def test_says_since_when_and_to_which_version(self, alice, her_browser):
        said = reading.text(find_card(show_access(her_browser), "Unified inbox"))

        assert "On" in said
        assert f"Since {display_times.format_day(alice.at)}, until you withdraw" in said
        moment = display_times.format_moment(alice.at)
        assert f"{moment}, to version {FEATURES['inbox'].version}" in said

    @pytest.mark.clause("LU-4", "LU-4.2", "WLU-4.4", "AN-11")
    def test_lists_what_is_never_allowed_in_words_alone(self, her_browser):
        said = reading.text(show_access(her_browser))

        for rule in PROHIBITION_RULES:
            assert rule.says in said
            assert rule.id not in said
            assert not [clause for clause in rule.clauses if clause in said]
        assert not [word for word in DataClass if "." in word and word in said]

    @pytest.mark.invariant(1)
    def test_shows_every_rule_that_permits_a_use(self):
        shown = {
            rule.id
            for feature in FEATURES.values()
            for rule in feature_status.get_feature_rules(feature)
        }
        shown |= {rule.id for rule in feature_status.list_service_rules()}
        # No card shows a rule whose purposes no feature declares.
        declared = {purpose for feature in FEATURES.values() for purpose in feature.purposes}

        for rule in PERMISSION_RULES:
            assert rule.id in shown or not rule.purposes & declared

    def test_tells_a_client_from_its_owner(self):
        widget = feature_status.FeatureStatus(
            feature=FEATURES["inbox-widget"], state=FeatureState.OFF
        )
        inbox = feature_status.FeatureStatus(feature=FEATURES["inbox"], state=FeatureState.OFF)

        assert widget.recipients == (messages.RECIPIENT[Recipient.PLATFORM_FEATURE],)
        assert inbox.recipients == (messages.RECIPIENT[Recipient.OWNER],)

    def test_lists_items_agreed_to_with_their_end(self, alice, her_browser, bob):
        message = make_message(alice.integration)
        given, other = cast.one_item(alice, item=message.id), cast.one_item(bob)
        gone = cast.one_item(alice)

        html = show_access(her_browser)

        text = reading.text(find_card(html, "Support access"))
        assert f"One message, until {display_times.format_moment(given.expires_at)}" in text
        assert f"One item, until {display_times.format_moment(gone.expires_at)}" in text
        assert reverse("inbox-support", args=[message.id]) in html
        assert "Stop now" in text
        assert str(given.id) in html
        assert str(other.id) not in html

    @pytest.mark.claim("support.withdrawn")
    @pytest.mark.clause("LU-3.1")
    def test_withdraws_an_item_for_its_owner_only(self, alice, her_browser, bob):
        given, other = cast.one_item(alice), cast.one_item(bob)

        foreign = her_browser.post(reverse("settings-consent-withdraw", args=[other.id]))
        own = her_browser.post(reverse("settings-consent-withdraw", args=[given.id]))

        assert (foreign.status_code, own.status_code) == (404, 302)
        assert Consent.objects.get(id=given.id).withdrawn_at is not None
        assert Consent.objects.get(id=other.id).withdrawn_at is None

    def test_says_until_when_an_agreement_with_an_end_lasts(self, alice, her_browser):
        at = timezone.now() + timedelta(days=9)
        Consent.objects.filter(feature="inbox").update(expires_at=at)

        said = reading.text(find_card(show_access(her_browser), "Unified inbox"))

        assert f"until {display_times.format_moment(at)}" in said

    def test_shows_times_in_the_zone_of_the_reader(self, alice, her_browser):
        alice.user.time_zone = "Asia/Kathmandu"
        alice.user.save(update_fields=["time_zone"])

        said = reading.text(find_card(show_access(her_browser), "Unified inbox"))

        with display_times.show_times_for(alice.user):
            assert display_times.format_moment(alice.at) in said
        assert "UTC" not in said


class TestSwitching:
    @pytest.mark.clause("WDISC", "LU-2.1")
    def test_on_shows_what_it_does_immediately_before(self, her_browser):
        page = her_browser.get(WIDGET).text

        said = reading.text(page)
        assert FEATURES["inbox-widget"].disclosure in said
        assert said.index(FEATURES["inbox-widget"].disclosure) < said.index("I agree that")
        assert 'type="checkbox"' in page
        assert "checked" not in page

    @pytest.mark.parametrize("form", [{}, {"switch": "on"}, {"agree": "no"}, {"agree": ""}])
    @pytest.mark.clause("LU-2.1")
    def test_on_takes_an_affirmative_click(self, her_browser, form):
        answer = her_browser.post(WIDGET, {"version": "1", **form})

        assert answer["Location"] == WIDGET
        assert not Delegation.objects.exists()

    def test_on_takes_the_words_that_were_shown(self, her_browser):
        answer = her_browser.post(WIDGET, {"agree": "yes", "version": "9"})

        assert answer["Location"] == WIDGET
        assert not Delegation.objects.exists()

    @pytest.mark.claim("feature.switched-off", "feature.scheduler", "feature.widget")
    @pytest.mark.clause("AN-2")
    @pytest.mark.invariant(5)
    def test_off_refuses_a_token_at_its_next_call(self, alice, her_browser):
        her_browser.post(WIDGET, cast.SWITCH_ON)
        delegation = Delegation.objects.get()
        caller = cast.feature(cast.widget(), delegation)
        assert caller.get(f"{V1}/messages").status_code == 200

        answer = her_browser.post(WIDGET, {"switch": "off", "delegation": str(delegation.id)})

        assert answer["Location"] == ACCESS
        assert caller.get(f"{V1}/messages").status_code == 401
        changes = list_changes(her_browser)
        assert changes[0] == "You switched the feature off"
        assert "You switched the feature on" in changes
        card = reading.text(find_card(show_access(her_browser), "Inbox widget"))
        assert "Off since" in card

    @pytest.mark.parametrize("key", ["campaigns", "support", "nothing"])
    def test_is_not_for_what_has_no_switch(self, her_browser, key):
        assert her_browser.get(reverse("settings-feature", args=[key])).status_code == 404

    def test_of_the_inbox_leads_to_what_goes_with_it(self, her_browser):
        answer = her_browser.post("/settings/features/inbox/", {"switch": "off"})

        assert answer["Location"] == "/settings/features/inbox/withdraw/"

    @pytest.mark.clause("LU-2.1", "GUDP-change")
    def test_is_asked_again_when_the_words_changed(self, alice, her_browser, monkeypatch):
        her_browser.post(WIDGET, cast.SWITCH_ON)
        caller = cast.feature(cast.widget(), Delegation.objects.get())
        change_description(monkeypatch, "inbox-widget")

        said = reading.text(find_card(show_access(her_browser), "Inbox widget"))
        assert "Needs your agreement again" in said
        assert "The description has changed since you agreed to version 1." in said

        her_browser.post(WIDGET, {"agree": "yes", "version": "2"})
        assert "to version 2" in reading.text(find_card(show_access(her_browser), "Inbox widget"))
        # The token was for what it said before.
        assert caller.get(f"{V1}/messages").status_code == 401


class TestAgreeingAgain:
    @pytest.mark.clause("GUDP-change")
    def test_to_the_inbox_is_asked_for_on_both_pages_and_done_on_one(
        self, alice, her_browser, monkeypatch
    ):
        change_description(monkeypatch, "inbox")
        asks = "Unified inbox needs your agreement again."
        assert asks in reading.text(her_browser.get("/settings/integrations/").text)
        assert her_browser.get("/inbox/").status_code == 403

        said = {"agree": "yes", "version": str(FEATURES["inbox"].version)}
        answer = her_browser.post("/settings/features/inbox/", said)

        assert answer["Location"] == ACCESS
        assert her_browser.get("/inbox/").status_code == 200
        assert asks not in reading.text(her_browser.get("/settings/integrations/").text)

    def test_is_nothing_for_who_never_agreed(self, alice):
        who = houses.person("carol", alice.organisation, at=timezone.now())
        browser = cast.browser(who[0])

        said = {"agree": "yes", "version": str(FEATURES["inbox"].version)}
        answer = browser.post("/settings/features/inbox/", said)

        assert answer.status_code == 404
        assert not Consent.objects.filter(owner_id=who[0].id).exists()


class TestWithdrawingTheInbox:
    @pytest.fixture
    def browser(self, alice):
        return cast.browser(alice.user, recent=True)

    @pytest.mark.clause("WDEL")
    def test_says_exactly_what_goes(self, browser, alice):
        said = reading.text(browser.get("/settings/features/inbox/withdraw/").text)

        assert "Withdrawing disconnects 1 account and removes its stored data." in said
        assert "Google mail alice@gmail.example, connected" in said
        assert "0 messages in 0 conversations" in said

    @pytest.mark.clause("AN-2", "WDEL")
    @pytest.mark.invariant(5)
    def test_disconnects_and_leads_to_the_removal(self, browser, alice):
        answer = browser.post("/settings/features/inbox/withdraw/")

        job = PurgeJob.objects.get()
        assert answer["Location"] == reverse("settings-purge", args=[job.id])
        assert not Integration.objects.live().exists()
        said = reading.text(find_card(show_access(browser), "Unified inbox"))
        assert "Off since" in said
        assert "Connect an account" in said

    def test_asks_who_it_is_first(self, her_browser, alice):
        answer = her_browser.post("/settings/features/inbox/withdraw/")

        assert "/accounts/reauthenticate/" in answer["Location"]
        assert Integration.objects.live().exists()

    @pytest.mark.parametrize("key", ["inbox-widget", "campaigns", "support"])
    def test_is_for_nothing_else(self, browser, alice, key):
        address = reverse("settings-feature-withdraw", args=[key])

        assert browser.get(address).status_code == browser.post(address).status_code == 404


class TestStanding:
    @pytest.mark.invariant(5)
    def test_ends_with_the_time_agreed_to(self, alice):
        at = datetime(2030, 1, 1, tzinfo=UTC)
        Consent.objects.update(expires_at=at)
        who = {"user_id": alice.user.id, "organisation_id": alice.organisation.id}

        before = feature_status.get_feature_status(
            FEATURES["inbox"], **who, at=at - timedelta(seconds=1)
        )
        after = feature_status.get_feature_status(FEATURES["inbox"], **who, at=at)

        assert (before.state, after.state) == (FeatureState.ON, FeatureState.OFF)
        assert after.since == at

    def test_is_nothing_to_ask_of_who_belongs_nowhere(self, alice):
        nowhere = replace(alice.actor, organisation_id=None)

        assert feature_status.list_features_needing_consent(nowhere, at=timezone.now()) == []


def test_history_keeps_what_was_agreed_to(alice, her_browser):
    cast.browser(alice.user, recent=True).post("/settings/features/inbox/withdraw/")

    kept = consents.list_consents(owner_id=alice.user.id, organisation_id=alice.organisation.id)

    assert [consent.withdrawn_at is None for consent in kept] == [False]
