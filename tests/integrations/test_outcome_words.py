"""What the settings page says about data after a connect is true of the rows, for each outcome."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import connection as database
from django.utils import timezone

from accounts import memberships
from accounts.display_times import format_moment
from accounts.models import Alarm, Membership
from config.process_classes import ProcessClass
from integrations import connections
from integrations.connections import automatic_disconnect
from integrations.connections.messages import PURPOSES
from integrations.connections.status_messages import WITHOUT_PERMISSION
from integrations.coordination.leases import NotClaimable
from integrations.grants import provider_alerts
from integrations.models import (
    AttemptOutcome,
    Calendar,
    ConnectAttempt,
    Connection,
    Integration,
    Message,
    SyncWork,
)
from integrations.operations.sync_products import PRODUCTS
from integrations.providers import provider_http
from integrations.settings.messages.connect import CALENDAR_OUTCOMES, OUTCOMES
from integrations.sync import sync_engine
from limited_use.models import Consent, DataKey
from limited_use.policy.feature_registry import FEATURES
from tests.integrations.google import ALICE_BOX, query_of
from tests.integrations.pages import reading
from tests.integrations.test_outcomes import let_pass
from tests.integrations.test_two_products import EDIT, EVENTS
from tests.integrations.test_two_products import calendar as connect_calendar
from tests.walls import acting_as
from tests.worlds.sandbox import GMAIL_READONLY

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.scenario("A3"),
    pytest.mark.usefixtures("_fast"),
]
LOCAL_CALENDAR = {
    "name": "Family",
    "zone": "UTC",
    "colour": "#aa3377",
    "agree": "on",
    "version": FEATURES["local-calendar"].version,
}
SECOND_BOX = "second.box@example.com"
NOTHING = "Nothing was connected."
# Goes with the test's transaction.
BREAK_CONNECTIONS = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'refused by the test';
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON integrations_connection
    FOR EACH ROW EXECUTE FUNCTION refuse()
"""


@dataclass
class ConnectOutcomeWorld:
    """Alice's browser and Google; `back` is the address that Google sent her to."""

    browser: object
    others: SimpleNamespace
    google: object
    monkeypatch: object
    back: str = ""
    come_back: Callable = lambda: None

    def consent(self, connection=None, *, email=ALICE_BOX, **how):
        self.back = self.google.consent(self.browser.begin(connection), email=email, **how)

    def say(self, **parameters):
        """Have Google come back with these parameters in place of a code."""
        state = query_of(self.browser.begin())["state"]
        said = "&".join(f"{name}={value}" for name, value in parameters.items())
        self.back = f"/connect/google/callback?state={state}&{said}"

    def fail_token(self, **fault):
        self.consent()
        self.google.fail_next(path_prefix="/token", **fault)


@pytest.fixture
def world(browser_of, alice, bob, google, monkeypatch):
    google.seed(SECOND_BOX, size=0)
    others = SimpleNamespace(second=browser_of(alice), bob=browser_of(bob))
    return ConnectOutcomeWorld(browser_of(alice), others, google, monkeypatch)


@pytest.fixture
def _fast(settings, monkeypatch):
    settings.GMAIL_UNITS_PER_MINUTE = 0
    # An account that is being disconnected is waited for in twenty polls.
    monkeypatch.setattr("integrations.connections.callback.POLL_SECONDS", 0)


def read_rows():
    """Return every row that a connect writes, apart from the attempt."""
    models = (Connection, Integration, SyncWork, Consent)
    rows = [list(model.objects.order_by("pk").values()) for model in models]
    # Keys of the ledger's names are made by whatever is recorded first in an hour.
    keys = DataKey.objects.filter(line__in=["account", "content", "credential"])
    return [*rows, sorted(map(str, keys.values_list("holder", "line")))]


def page_of(browser) -> str:
    answer = browser.client.get("/settings/integrations/")
    assert answer.status_code == 200
    return reading.text(answer.text.split("<main")[1])


def disconnect_integration(world, integration):
    connections.disconnect_integration(
        integration_id=integration.id,
        user_id=world.browser.user.id,
        organisation_id=integration.connection.organisation_id,
        at=timezone.now(),
    )


def break_token(**fault):
    return lambda world: world.fail_token(**fault)


def prepare_answer(**parameters):
    return lambda world: world.say(**parameters)


def expire(world):
    world.consent()
    let_pass(ConnectAttempt.objects.get(), minutes=11)


def replay(world):
    world.consent()
    world.browser.arrive(world.back)


def come_from_another_browser(world):
    world.back = world.google.consent(world.others.second.begin(), email=ALICE_BOX)


def name_another_issuer(world):
    world.consent()
    world.back = world.back.replace("iss=", "iss=https%3A%2F%2Fevil.example%2F")


def prove_no_identity(world):
    world.google.dial(id_token_flaw="aud")
    world.consent()


def reconnect_with_another_account(world):
    world.browser.connect()
    world.consent(Connection.objects.get(), email=SECOND_BOX)


def connect_mail_beside_calendars(world):
    connect_calendar(world.browser)
    world.consent()


def connect_what_bob_has(world):
    world.others.bob.connect()
    world.consent()


def connect_while_it_is_revoked(world):
    world.browser.connect()
    disconnect_integration(world, Integration.objects.get())
    Connection.objects.update(revoking_until=timezone.now() + timedelta(seconds=15))
    world.consent()


def leave_meanwhile(world):
    """Leave the organisation while Google is asked for tokens; come back to read the page."""
    world.consent()
    theirs = {
        "user_id": world.browser.user.id,
        "organisation_id": Membership.objects.get(user=world.browser.user).organisation_id,
    }
    exchange = provider_http.post_form

    def post_form(url, form):
        if url.endswith("/token"):
            memberships.end_membership(**theirs, at=timezone.now())
        return exchange(url, form)

    world.monkeypatch.setattr(provider_http, "post_form", post_form)

    def come_back():
        memberships.add_member(**theirs, at=timezone.now())
        # Leaving ended the session.
        world.browser.client.force_login(world.browser.user)

    world.come_back = come_back


def change_the_words_meanwhile(world):
    world.consent()
    ConnectAttempt.objects.update(feature_versions={"inbox": 0})


#: How to come to each outcome that connects nothing.
WAYS = {
    AttemptOutcome.DENIED: lambda world: world.consent(deny=True),
    AttemptOutcome.ADMIN_BLOCKED: prepare_answer(error="admin_policy_enforced"),
    AttemptOutcome.EXPIRED: expire,
    AttemptOutcome.REPLAYED: replay,
    AttemptOutcome.FOREIGN_STATE: come_from_another_browser,
    AttemptOutcome.MALFORMED: prepare_answer(code="x", scope="a&scope=b"),
    AttemptOutcome.WRONG_ISSUER: name_another_issuer,
    AttemptOutcome.CODE_REJECTED: break_token(status=400, body='{"error": "invalid_grant"}'),
    AttemptOutcome.IDENTITY_UNPROVEN: prove_no_identity,
    AttemptOutcome.WRONG_ACCOUNT: reconnect_with_another_account,
    AttemptOutcome.LIVES_ALREADY: connect_mail_beside_calendars,
    AttemptOutcome.CONNECTED_BY_OTHER: connect_what_bob_has,
    AttemptOutcome.STILL_ENDING: connect_while_it_is_revoked,
    AttemptOutcome.OVERTAKEN: leave_meanwhile,
    AttemptOutcome.DISCLOSURE_OUTDATED: change_the_words_meanwhile,
    AttemptOutcome.PROVIDER_UNAVAILABLE: break_token(status=503, body="<html>"),
    AttemptOutcome.REJECTED_BY_PROVIDER: prepare_answer(error="invalid_request"),
    AttemptOutcome.APP_MISCONFIGURED: break_token(status=401, body='{"error": "invalid_client"}'),
    AttemptOutcome.FAILED: break_token(status=400, body='{"error": "nonsense"}'),
}


class TestAnOutcomeThatConnectsNothing:
    @pytest.mark.claim("outcome.nothing-connected", "outcome.nothing-changed")
    @pytest.mark.claim("outcome.nothing-kept", "outcome.once", "outcome.same-account")
    @pytest.mark.parametrize("outcome", WAYS)
    def test_is_said_where_no_row_was_written(self, world, outcome):
        WAYS[outcome](world)
        before = read_rows()

        world.browser.arrive(world.back)
        world.come_back()

        assert world.browser.attempt().outcome == outcome
        words = OUTCOMES[outcome]
        assert f"{words.title} {words.says}" in page_of(world.browser)
        assert read_rows() == before

    def test_is_every_one_but_those_that_connect(self):
        connecting = {
            AttemptOutcome.CONNECTED,
            AttemptOutcome.CONNECTED_PARTLY,
            AttemptOutcome.CONNECTED_WITHOUT_PRODUCT,
        }

        assert set(OUTCOMES) - connecting == set(WAYS)
        words = [OUTCOMES[one] for one in connecting]
        assert not any(NOTHING in f"{one.title} {one.says}" for one in words)

    @pytest.mark.claim("outcome.once", "outcome.not-used")
    @pytest.mark.parametrize(
        ("outcome", "calls"), [(AttemptOutcome.REPLAYED, 1), (AttemptOutcome.WRONG_ISSUER, 0)]
    )
    def test_uses_no_code_twice_and_none_of_another_issuer(self, world, outcome, calls):
        WAYS[outcome](world)

        world.browser.arrive(world.back)

        assert str(OUTCOMES[outcome].says) in page_of(world.browser)
        assert world.google.calls("/token") == calls


class TestOperators:
    @pytest.mark.claim("outcome.told")
    @pytest.mark.parametrize(
        ("outcome", "kind"),
        [
            (AttemptOutcome.APP_MISCONFIGURED, provider_alerts.INVALID_CLIENT),
            (AttemptOutcome.FAILED, provider_alerts.UNEXPECTED),
        ],
    )
    def test_are_told_by_an_alarm_where_the_page_says_so(self, world, outcome, kind):
        WAYS[outcome](world)

        world.browser.arrive(world.back)

        assert "Our operators have been notified." in page_of(world.browser)
        assert Alarm.objects.get().kind == kind

    @pytest.mark.claim("outcome.told", "outcome.nothing-connected")
    @pytest.mark.scenario("R5")
    def test_are_told_by_an_alarm_of_an_error_of_our_own(self, world):
        world.consent()
        with database.cursor() as cursor:
            cursor.execute(BREAK_CONNECTIONS)

        world.browser.arrive(world.back)

        assert world.browser.attempt().outcome == AttemptOutcome.FAILED
        page = page_of(world.browser)
        assert NOTHING in page
        assert "Our operators have been notified." in page
        assert not Connection.objects.exists()
        alarm = Alarm.objects.get()
        assert (alarm.kind, alarm.window) == (provider_alerts.CONNECT_FAILED, "google")
        assert alarm.about == world.browser.attempt().user_id

    def test_are_not_told_where_the_page_does_not_say_so(self, world):
        silent = {one for one, words in OUTCOMES.items() if "notified" not in str(words.says)}

        assert set(WAYS) - silent == {AttemptOutcome.APP_MISCONFIGURED, AttemptOutcome.FAILED}


def deliver(world):
    for number in range(3):
        world.google.deliver(ALICE_BOX, subject=f"Message {number}")


def sync_what_is_due(world):
    """Have workers do what is due, until nothing is."""
    world.google.dial(units_per_minute=0, concurrency=0)
    for _ in range(2):
        for work_id in list(SyncWork.objects.values_list("id", flat=True)):
            for _ in range(4):
                SyncWork.objects.filter(id=work_id).update(next_sync_at=timezone.now())
                with acting_as(ProcessClass.SYNC), suppress(NotClaimable):
                    sync_engine.run_sync_turn(PRODUCTS, work_id=work_id, at=timezone.now())


class TestAnOutcomeThatConnects:
    @pytest.mark.claim("outcome.mail-coming")
    def test_brings_mail_in(self, world):
        deliver(world)
        world.browser.connect()
        assert str(OUTCOMES[AttemptOutcome.CONNECTED].says) in page_of(world.browser)
        work = SyncWork.objects.get()
        assert work.next_sync_at <= timezone.now()

        sync_what_is_due(world)

        assert Message.objects.count() == 3

    @pytest.mark.claim("outcome.calendars-coming")
    def test_brings_calendars_in(self, world):
        connect_calendar(world.browser)
        assert str(CALENDAR_OUTCOMES[AttemptOutcome.CONNECTED].says) in page_of(world.browser)

        sync_what_is_due(world)

        assert Calendar.objects.filter(cached_at__isnull=False).exists()

    @pytest.mark.claim("outcome.no-mail", "status.without-mail")
    def test_reads_no_mail_without_the_permission(self, world):
        world.browser.connect(untick=(GMAIL_READONLY,))
        words = OUTCOMES[AttemptOutcome.CONNECTED_WITHOUT_PRODUCT]
        assert str(WITHOUT_PERMISSION["mail"]) in page_of(world.browser)
        assert str(words.says) in page_of(world.browser)

        sync_what_is_due(world)

        assert world.google.requests("/gmail") == []

    @pytest.mark.claim("outcome.no-mail")
    def test_reads_no_more_mail_where_the_permission_is_taken_back(self, world):
        deliver(world)
        world.browser.connect()
        sync_what_is_due(world)
        assert Message.objects.count() == 3

        world.browser.connect(untick=(GMAIL_READONLY,))
        page = page_of(world.browser)
        calls = world.google.requests("/gmail")
        assert calls
        sync_what_is_due(world)

        # The inbox still has what was brought in before, so the page does not call it empty.
        assert "so Antares reads none." in page
        assert "empty" not in page
        assert Message.objects.count() == 3
        assert world.google.requests("/gmail") == calls

    @pytest.mark.claim("outcome.no-calendars", "status.without-calendars")
    def test_reads_no_calendar_without_the_permission(self, world):
        connect_calendar(world.browser, untick=(EVENTS,))
        assert str(WITHOUT_PERMISSION["calendar"]) in page_of(world.browser)
        words = CALENDAR_OUTCOMES[AttemptOutcome.CONNECTED_WITHOUT_PRODUCT]
        assert str(words.says) in page_of(world.browser)

        sync_what_is_due(world)

        assert world.google.requests("/calendar") == []
        assert not Calendar.objects.exists()

    @pytest.mark.claim("outcome.partly", "outcome.read-only")
    def test_reads_calendars_and_agrees_to_no_writing_without_that_permission(self, world):
        connect_calendar(world.browser, untick=(EDIT,))
        words = CALENDAR_OUTCOMES[AttemptOutcome.CONNECTED_PARTLY]
        assert str(words.says) in page_of(world.browser)

        sync_what_is_due(world)

        assert Calendar.objects.filter(cached_at__isnull=False).exists()
        assert not Consent.objects.filter(feature="calendar-editing").exists()
        assert {one["method"] for one in world.google.requests("/calendar")} == {"GET"}


class TestAProductThatIsNotConnected:
    """What the settings and the disclosure say is limited without it."""

    @pytest.mark.claim("connect.without-mail")
    def test_of_mail_leaves_inbox_and_searches_without_that_mail(self, world):
        deliver(world)
        connect_calendar(world.browser)
        sync_what_is_due(world)
        client = world.browser.client
        assert str(PURPOSES["mail"].limits) in page_of(world.browser)

        without = client.get("/inbox/?folder=all").text + search(client, "Message")
        world.browser.connect(connection=Connection.objects.get())
        sync_what_is_due(world)

        assert "Message 1" not in without
        assert "Message 1" in client.get("/inbox/?folder=all").text
        assert "Message 1" in search(client, "Message")

    @pytest.mark.claim("connect.without-calendar")
    def test_of_calendars_leaves_calendar_and_suggested_times_without_those_events(self, world):
        tomorrow = (timezone.now() + timedelta(days=1)).replace(hour=9, minute=0, second=0)
        hour = {
            name: {"dateTime": at.replace(microsecond=0).isoformat(), "timeZone": "UTC"}
            for name, at in (("start", tomorrow), ("end", tomorrow + timedelta(hours=1)))
        }
        world.google.put_event(ALICE_BOX, summary="Review", **hour)
        world.browser.connect()
        sync_what_is_due(world)
        client = world.browser.client
        assert str(PURPOSES["calendar"].limits) in page_of(world.browser)
        day = f"/calendar/?view=day&day={tomorrow:%Y-%m-%d}"
        asked = {
            "length": "60", "first_day": f"{tomorrow:%Y-%m-%d}", "reach": "1", "opens": "09:00",
            "closes": "12:00", "weekdays": [str(number) for number in range(7)], "zone": "UTC",
        }  # fmt: skip

        # An Antares calendar, without any connected calendar.
        assert client.get("/settings/calendars/new/").status_code == 200
        made = client.post("/settings/calendars/new/", LOCAL_CALENDAR)
        without = client.get(day)
        free = client.get("/calendar/find/", asked).text
        connect_calendar(world.browser, connection=get_google_connection())
        sync_what_is_due(world)

        assert made.status_code == 302
        assert without.status_code == 200
        assert "Review" not in without.text
        assert ">09:00" in free
        assert "Review" in client.get(day).text
        assert ">09:00" not in client.get("/calendar/find/", asked).text


class TestAPermissionThatWasTakenBack:
    @pytest.mark.claim("integrations.no-mail-access")
    def test_is_said_where_no_mail_is_read_any_more(self, world):
        deliver(world)
        world.browser.connect()
        sync_what_is_due(world)

        world.browser.connect(untick=(GMAIL_READONLY,))
        calls = len(world.google.requests("/gmail"))
        sync_what_is_due(world)

        assert "Antares can no longer read your mail." in page_of(world.browser)
        assert len(world.google.requests("/gmail")) == calls

    @pytest.mark.claim("integrations.no-calendar-access", "integrations.calendars-until")
    def test_is_said_where_no_calendar_is_read_any_more(self, world):
        connect_calendar(world.browser)
        sync_what_is_due(world)
        before = Integration.objects.get()

        connect_calendar(world.browser, connection=Connection.objects.get(), untick=(EVENTS,))
        calls = len(world.google.requests("/calendar"))
        sync_what_is_due(world)

        page = page_of(world.browser)
        since = Integration.objects.get().status_since
        assert "Antares can no longer read your calendars." in page
        until = since + timedelta(days=settings.REAUTH_GRACE_DAYS)
        assert f"Grant the permission again before {format_moment(until)};" in page
        assert len(world.google.requests("/calendar")) == calls
        automatic_disconnect.disconnect_due_integrations(at=until - timedelta(seconds=1))
        assert Integration.objects.live().filter(id=before.id).exists()
        automatic_disconnect.disconnect_due_integrations(at=until + timedelta(seconds=1))
        assert not Integration.objects.live().exists()


def search(client, words: str) -> str:
    return client.post("/inbox/search/", {"words": words}, follow=True).text


def get_google_connection() -> Connection:
    return Connection.objects.get(provider="google")
