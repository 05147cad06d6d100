"""What the settings page says of connect attempts: what settles them, and when they go away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import memberships, organisations
from integrations.models import AttemptOutcome, ConnectAttempt, Connection
from integrations.settings import connect_results
from integrations.tasks.connections import sweep_connections
from tests.factories import make_attempt
from tests.integrations.microsoft import ALICE_BOX, MicrosoftConnectBrowser, microsoft
from tests.integrations.pages import reading
from tests.walls import requests_act_as_web
from tests.worlds.microsoft import ACCEPT, CANCEL, REQUEST, Stayed

__all__ = ["microsoft", "requests_act_as_web"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.scenario("A3"),
    pytest.mark.usefixtures("requests_act_as_web"),
]
SETTINGS = "/settings/integrations/"
NOTHING = "othing was connected"


def page_of(client) -> str:
    answer = client.get(SETTINGS)
    assert answer.status_code == 200
    return reading.text(answer.text.split("<main")[1])


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def dismiss(client, attempt, **more):
    return client.post(f"/settings/attempts/{attempt.id}/dismiss/", **more)


def let_pass(attempt, minutes: int) -> None:
    """Have an attempt begin, end and expire that much earlier."""
    attempt.refresh_from_db()
    for name in ("began_at", "expires_at", "ended_at"):
        if (at := getattr(attempt, name)) is not None:
            setattr(attempt, name, at - timedelta(minutes=minutes))
    attempt.save()


class TestASuccess:
    @pytest.fixture
    def browser(self, browser_of, alice):
        return browser_of(alice)

    def test_settles_an_older_attempt_that_times_out_later(self, browser, alice):
        browser.begin()
        abandoned = ConnectAttempt.objects.get()
        browser.connect()

        let_pass(abandoned, minutes=11)
        sweep_connections()

        abandoned.refresh_from_db()
        assert abandoned.outcome == AttemptOutcome.EXPIRED
        assert abandoned.settled_at is not None
        page = page_of(browser.client)
        assert NOTHING not in page
        assert "took too long" not in page
        assert "Connected." in page

    def test_settles_an_older_refusal_so_that_it_never_shows_again(self, browser):
        refused = browser.connect(deny=True)
        connected = browser.connect()

        for attempt in (refused, connected):
            attempt.refresh_from_db()
        assert refused.settled_at is not None
        assert connected.settled_at is None
        let_pass(connected, minutes=2)
        assert NOTHING not in page_of(browser.client)

    @pytest.mark.parametrize("other", [{"product": "calendar"}, {"provider": "microsoft"}])
    def test_settles_nothing_of_another_product_or_provider(self, browser, alice, acme, other):
        elsewhere = make_attempt(alice, acme, outcome=AttemptOutcome.PENDING, **other)

        browser.connect()

        elsewhere.refresh_from_db()
        assert elsewhere.settled_at is None

    def test_settles_nothing_of_another_person_or_organisation(self, browser, alice, bob, acme):
        second = organisations.found_organisation(platform_id="2", name="Second", at=timezone.now())
        memberships.add_member(user_id=alice.id, organisation_id=second.id, at=timezone.now())
        others = [make_attempt(bob, acme), make_attempt(alice, second)]

        browser.connect()

        assert (
            ConnectAttempt.objects.filter(
                id__in=[one.id for one in others], settled_at=None
            ).count()
            == 2
        )

    def test_leaves_an_open_attempt_usable(self, browser, google):
        google.seed("second.box@example.com", size=1)
        back = google.consent(browser.begin(), email="second.box@example.com")
        browser.connect()

        browser.arrive(back)

        assert Connection.objects.live().count() == 2
        assert not ConnectAttempt.objects.exclude(outcome=AttemptOutcome.CONNECTED).exists()

    def test_does_not_hide_what_an_older_attempt_brings_back_later(self, browser, google):
        back = google.consent(browser.begin(), email="alice.box@example.com", deny=True)
        browser.connect()

        browser.arrive(back)

        assert "Google mail: Nothing was connected." in page_of(browser.client)

    def test_does_not_hide_that_somebody_came_back_too_late(self, browser, google):
        back = google.consent(browser.begin(), email="alice.box@example.com")
        late = ConnectAttempt.objects.get()
        browser.connect()
        let_pass(late, minutes=90)
        sweep_connections()
        assert "took too long" not in page_of(browser.client)

        browser.arrive(back)

        assert "That took too long." in page_of(browser.client)
        assert Connection.objects.live().count() == 1


class TestDismissing:
    @pytest.fixture
    def client(self, alice):
        return signed_in(alice)

    @pytest.mark.parametrize("outcome", sorted(connect_results.OUTCOMES))
    def test_is_offered_for_every_outcome_and_ends_it(self, client, alice, acme, outcome):
        attempt = make_attempt(alice, acme, outcome=outcome)
        shown = client.get(SETTINGS).text
        assert f"/settings/attempts/{attempt.id}/dismiss/" in shown

        answer = dismiss(client, attempt)

        assert answer["Location"] == SETTINGS
        attempt.refresh_from_db()
        assert attempt.settled_at is not None
        assert str(attempt.id) not in client.get(SETTINGS).text
        # Kept in its row, and in no cookie: another browser shows it no more either.
        assert str(attempt.id) not in signed_in(alice).get(SETTINGS).text

    def test_of_the_latest_brings_no_older_one_back(self, client, alice, acme):
        at = timezone.now()
        make_attempt(alice, acme, at=at - timedelta(minutes=5))
        latest = make_attempt(alice, acme, at=at, outcome=AttemptOutcome.MALFORMED)

        dismiss(client, latest)

        assert NOTHING not in page_of(client)

    def test_hides_none_that_ends_later(self, client, alice, acme):
        dismiss(client, make_attempt(alice, acme, at=timezone.now() - timedelta(minutes=5)))

        make_attempt(alice, acme)

        assert NOTHING in page_of(client)

    @pytest.mark.control("3.1.4")
    @pytest.mark.invariant(1)
    def test_is_for_its_owner_in_its_organisation(self, alice, bob, acme, client):
        attempt = make_attempt(alice, acme)
        second = organisations.found_organisation(platform_id="2", name="Second", at=timezone.now())
        memberships.add_member(user_id=alice.id, organisation_id=second.id, at=timezone.now())
        elsewhere = make_attempt(alice, second)

        assert dismiss(signed_in(bob), attempt).status_code == 404
        assert dismiss(client, elsewhere).status_code == 404

        assert not ConnectAttempt.objects.exclude(settled_at=None).exists()

    def test_takes_a_form_token_and_a_post(self, alice, acme):
        attempt = make_attempt(alice, acme)
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(alice)

        assert dismiss(strict, attempt).status_code == 403
        assert strict.get(f"/settings/attempts/{attempt.id}/dismiss/").status_code == 405
        attempt.refresh_from_db()
        assert attempt.settled_at is None


class TestGoingAwayByItself:
    @pytest.fixture
    def client(self, alice):
        return signed_in(alice)

    @pytest.mark.claim("outcome.shown-until")
    def test_is_said_and_happens_after_an_hour(self, client, alice, acme):
        attempt = make_attempt(alice, acme, at=timezone.now() - timedelta(seconds=30))
        assert "Disappears by itself in 59 minutes" in page_of(client)

        let_pass(attempt, minutes=59)
        assert NOTHING in page_of(client)
        let_pass(attempt, minutes=2)
        assert NOTHING not in page_of(client)

    @pytest.mark.claim("outcome.shown-until")
    def test_is_after_a_minute_for_a_success(self, client, alice, acme):
        at = timezone.now() - timedelta(seconds=30)
        attempt = make_attempt(alice, acme, at=at, outcome=AttemptOutcome.CONNECTED)
        assert "Disappears by itself in less than a minute" in page_of(client)
        assert "Antares imports your mail" in page_of(client)

        let_pass(attempt, minutes=2)

        assert "Antares imports your mail" not in page_of(client)

    def test_counts_from_when_it_expired_and_not_from_when_a_worker_looked(
        self, client, alice, acme
    ):
        attempt = make_attempt(alice, acme, outcome=AttemptOutcome.PENDING)
        let_pass(attempt, minutes=90)

        sweep_connections()

        attempt.refresh_from_db()
        assert attempt.ended_at == attempt.expires_at
        assert NOTHING not in page_of(client)


@pytest.mark.scenario("A9")
class TestWaitingForAnAdministrator:
    @pytest.fixture
    def browser(self, microsoft, alice):
        microsoft.seed("boss@contoso.example", admin=True, size=0)
        microsoft.control("microsoft/tenants", domain="contoso.example", consent="admin")
        return MicrosoftConnectBrowser(alice, microsoft)

    @pytest.mark.claim("outcome.pending")
    def test_shows_at_once_where_microsoft_keeps_the_person_and_sends_no_answer(self, browser):
        with pytest.raises(Stayed, match="AADSTS90094"):
            browser.connect()

        page = page_of(browser.client)

        assert "Microsoft mail: Not connected yet." in page
        assert ConnectAttempt.objects.get().used_at is None
        assert not Connection.objects.exists()
        assert "Make a link for your administrator" in page

    @pytest.mark.claim("outcome.nothing-connected", "outcome.same-answer")
    def test_shows_at_once_where_a_request_comes_back_as_a_refusal(self, browser, microsoft):
        microsoft.control("microsoft/tenants", domain="contoso.example", workflow=True)
        said, refused = (
            microsoft.visit(browser.begin()["Location"], *pressed, account=ALICE_BOX)
            for pressed in ((ACCEPT, REQUEST), (CANCEL,))
        )
        assert (said["error"], said["error_subcode"]) == ("access_denied", "cancel")
        own = dict.fromkeys(("state", "error_description"), "")
        assert said | own == refused | own
        numbers = {one["error_description"].split(":")[0] for one in (said, refused)}
        assert numbers == {"AADSTS65004"}

        browser.arrive(**said)

        page = page_of(browser.client)
        assert "Microsoft mail: Nothing was connected." in page
        assert "The provider does not say whether you declined or asked" in page
        assert not Connection.objects.exists()

    @pytest.mark.claim("outcome.nothing-connected")
    def test_shows_at_once_where_the_answer_says_that_consent_is_not_theirs(self, browser):
        begun = browser.begin()["Location"]
        state = begun.split("state=")[1].split("&")[0]

        browser.arrive(error="consent_required", state=state)

        page = page_of(browser.client)
        assert "Microsoft mail: Your administrator must approve Antares first." in page
        assert NOTHING in page
        assert not Connection.objects.exists()
        assert page.index("Make a link for your administrator") < page.index("Try again")

    @pytest.mark.claim("outcome.no-answer", "outcome.nothing-connected")
    def test_says_that_no_answer_came_after_ten_minutes_without_any_worker(self, browser):
        with pytest.raises(Stayed):
            browser.connect()
        let_pass(ConnectAttempt.objects.get(), minutes=11)

        page = page_of(browser.client)
        assert "That took longer than ten minutes. Nothing was connected." in page
        assert ConnectAttempt.objects.get().used_at is None
        assert not Connection.objects.exists()

    def test_is_settled_by_a_link_which_says_it_from_then_on(self, browser):
        with pytest.raises(Stayed):
            browser.connect()

        browser.client.post("/settings/connect/microsoft/administrator/")

        page = page_of(browser.client)
        assert page.count("Waiting for your administrator") == 1
        assert "Antares hears the decision when" in page

    def test_is_not_said_while_the_answer_is_being_worked_on(self, browser):
        browser.begin()
        ConnectAttempt.objects.update(used_at=timezone.now())

        assert "Not connected yet" not in page_of(browser.client)

    def test_is_said_of_no_provider_that_asks_none(self, browser, alice, acme):
        make_attempt(alice, acme, outcome=AttemptOutcome.PENDING)

        assert "administrator" not in page_of(browser.client)


class TestNextSteps:
    def test_come_as_buttons_with_dismissing_last(self, alice, acme):
        make_attempt(alice, acme)

        alert = signed_in(alice).get(SETTINGS).text.split('class="alert', 1)[1].split("</form>")[0]

        buttons = [one["class"] for one in reading.elements(alert, "button")]
        assert buttons == ["button small primary", "button small quiet"]
        assert alert.index("Try again") < alert.index("Dismiss")

    def test_put_the_administrator_first_where_a_new_try_is_of_no_use(self, alice, acme):
        make_attempt(alice, acme, outcome=AttemptOutcome.ADMIN_BLOCKED)

        alert = signed_in(alice).get(SETTINGS).text.split('class="alert', 1)[1].split("</form>")[0]

        (primary,) = reading.elements(alert, "button", "primary")
        assert primary["href"].startswith("mailto:")

    def test_offer_no_new_try_where_a_colleague_has_to_act(self, alice, acme):
        make_attempt(alice, acme, outcome=AttemptOutcome.CONNECTED_BY_OTHER)

        assert "Try again" not in page_of(signed_in(alice))
