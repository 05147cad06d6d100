"""Mail and calendars of one account: one grant, two integrations, each to end by itself."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.conf import settings
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations import connections, purge
from integrations.calendar.sync import LIST_RESOURCE, get_calendar_work_resource
from integrations.connections import automatic_disconnect
from integrations.models import (
    AttemptOutcome,
    Calendar,
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    PurgeJob,
    RevocationOutcome,
    SyncWork,
)
from integrations.notifications import removal_facts
from integrations.notifications.removal_messages import AccessOutcome
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine
from limited_use.models import Consent
from tests.factories import as_agreed
from tests.integrations.google import ALICE_BOX, query_of
from tests.walls import acting_as
from tests.worlds.sandbox import GMAIL_READONLY

_AUTH = "https://www.googleapis.com/auth/"
LIST, EVENTS = _AUTH + "calendar.calendarlist.readonly", _AUTH + "calendar.events.readonly"
EDIT = _AUTH + "calendar.events"
CALENDAR = {"product": "calendar", "version": as_agreed("calendar", "calendar-editing")}

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.scenario("A5"),
    pytest.mark.clause("SCOPE-GRANT", "AN-1", "AN-5", "AN-6"),
    pytest.mark.invariant(11),
]


def calendar(browser, *, connection=None, untick=()):
    address = browser.begin(connection, **CALENDAR)
    browser.arrive(browser.sandbox.consent(address, email=ALICE_BOX, untick=untick))
    return browser.attempt().outcome, set(query_of(address)["scope"].split())


def get_integration_of(product) -> Integration:
    return Integration.objects.live().get(product=product)


def list_scopes_asked(page) -> set[str]:
    """Return the scopes that a page says are asked for."""
    return set(re.findall(r"<code(?: class=\"scope\")?>([^<]+)</code>", page.content.decode()))


def list_agreed_features() -> set[str]:
    return set(Consent.objects.filter(withdrawn_at=None).values_list("feature", flat=True))


@pytest.fixture
def alices(browser_of, alice):
    return browser_of(alice)


class TestCalendarsAlone:
    def test_ask_for_calendars_and_nothing_else(self, alices):
        outcome, asked = calendar(alices)

        assert outcome == AttemptOutcome.CONNECTED
        assert asked == {"openid", "email", LIST, EVENTS, EDIT}
        assert list_agreed_features() == {"calendar", "calendar-editing"}
        assert SyncWork.objects.get().resource == LIST_RESOURCE

    def test_can_be_read_without_being_written(self, alices):
        outcome, _ = calendar(alices, untick=(EDIT,))

        assert outcome == AttemptOutcome.CONNECTED_PARTLY
        assert list_agreed_features() == {"calendar"}
        page = alices.client.get("/settings/integrations/").content.decode()
        assert "Connected, view only." in page
        assert "You can view events but not change them" in page
        assert get_integration_of("calendar").status == IntegrationStatus.SYNCING

    @pytest.mark.parametrize("missing", [LIST, EVENTS])
    def test_are_not_there_without_permission_to_read_them(self, alices, missing):
        outcome, _ = calendar(alices, untick=(missing,))

        assert outcome == AttemptOutcome.CONNECTED_WITHOUT_PRODUCT
        assert not Integration.objects.exists()

    @pytest.mark.scenario("X6")
    def test_let_mail_be_added_with_all_that_they_have(self, alices):
        calendar(alices)
        connection = Connection.objects.get()
        page = alices.client.get("/settings/integrations/").content.decode()
        assert f'?connection={connection.id}">Add mail<' in page

        outcome = alices.connect(connection=connection).outcome

        assert outcome == AttemptOutcome.CONNECTED
        assert get_integration_of("calendar").status == IntegrationStatus.SYNCING
        assert {GMAIL_READONLY, EVENTS} <= set(Connection.objects.get().granted_scopes)

    def test_keep_their_grant_when_mail_alone_is_begun_anew(self, alices):
        calendar(alices)

        assert alices.connect().outcome == AttemptOutcome.LIVES_ALREADY

        assert EVENTS in Connection.objects.get().granted_scopes

    def test_come_in_from_the_provider(self, alices, google):
        google.put_event(ALICE_BOX, summary="Review", **_hour())
        calendar(alices)
        at = timezone.now()

        with acting_as(ProcessClass.SYNC):
            sync_engine.run_sync_turn(
                PRODUCTS, work_id=SyncWork.objects.get(resource=LIST_RESOURCE).id, at=at
            )
        listed = list(Calendar.objects.all())
        with acting_as(ProcessClass.SYNC):
            for one in listed:
                work = SyncWork.objects.get(resource=get_calendar_work_resource(one.id))
                while sync_engine.run_sync_turn(PRODUCTS, work_id=work.id, at=timezone.now()):
                    pass

        primary = Calendar.objects.get(is_primary=True)
        assert primary.cached_at is not None
        assert primary.events.count() == 1


class TestCalendarsBesideMail:
    @pytest.fixture(autouse=True)
    def _mail(self, alices):
        assert alices.connect().outcome == AttemptOutcome.CONNECTED

    def test_are_added_to_the_account_with_all_that_it_has(self, alices):
        outcome, asked = calendar(alices, connection=Connection.objects.get())

        assert outcome == AttemptOutcome.CONNECTED
        assert GMAIL_READONLY in asked
        assert Connection.objects.count() == 1
        assert get_integration_of("mail").status != IntegrationStatus.REAUTH_REQUIRED

    @pytest.mark.scenario("X6")
    def test_begun_anew_take_nothing_from_the_mail(self, alices, google):
        before = Connection.objects.get()

        outcome, asked = calendar(alices)

        assert outcome == AttemptOutcome.LIVES_ALREADY
        assert GMAIL_READONLY not in asked
        after = Connection.objects.get()
        assert (after.epoch, after.granted_scopes) == (before.epoch, before.granted_scopes)
        assert after.status == ConnectionStatus.ACTIVE

    @pytest.mark.scenario("A6")
    def test_begun_anew_can_be_added_with_one_button(self, alices):
        calendar(alices)
        page = alices.client.get("/settings/integrations/").content.decode()
        address = f"product=calendar&amp;connection={Connection.objects.get().id}"

        assert f'?{address}">Add calendar to that account</a>' in page
        disclosure = alices.client.get(f"/settings/connect/google/?{unescape(address)}")
        assert {GMAIL_READONLY, LIST, EVENTS, EDIT} <= list_scopes_asked(disclosure)

    def test_that_were_added_in_another_window_are_not_lost_to_the_first(self, alices, google):
        connection = Connection.objects.get()
        first = alices.begin(connection)
        calendar(alices, connection=connection)

        alices.arrive(google.consent(first, email=ALICE_BOX))

        assert alices.attempt().outcome == AttemptOutcome.LIVES_ALREADY
        assert get_integration_of("calendar").status == IntegrationStatus.SYNCING

    def test_have_no_permission_that_is_called_unused(self, alices):
        calendar(alices, connection=Connection.objects.get())

        page = alices.client.get("/settings/integrations/").content.decode()

        assert "more permissions than Antares uses" not in page

    def test_are_among_the_permissions_that_the_details_list(self, alices):
        calendar(alices, connection=Connection.objects.get(), untick=(EDIT,))

        page = alices.client.get(f"/settings/integrations/{get_integration_of('mail').id}/details/")

        assert {GMAIL_READONLY, LIST, EVENTS, EDIT} <= list_scopes_asked(page)
        (named,) = re.findall(rf"<li[^>]*>([^<]*): <code>{re.escape(EDIT)}</code>", page.text)
        row = next(one for one in page.text.split("<tr>") if named in one)
        assert "Not granted" in row
        assert page.text.index("To read your mail") < page.text.index("To read the list of your")
        assert page.text.count("Not granted") == 1

    @pytest.mark.parametrize("product", ["mail", "calendar"])
    def test_are_said_to_use_the_grant_that_stays(self, alices, product):
        calendar(alices, connection=Connection.objects.get())

        situation = removal_facts.predict_removal(
            Connection.objects.get(), [get_integration_of(product)]
        )

        assert situation.access == AccessOutcome.KEPT

    def test_whose_mail_was_unticked_pause_the_mail(self, alices):
        calendar(alices, connection=Connection.objects.get(), untick=(GMAIL_READONLY,))

        assert get_integration_of("mail").status == IntegrationStatus.REAUTH_REQUIRED
        assert get_integration_of("calendar").status == IntegrationStatus.SYNCING

    @pytest.mark.scenario("X6")
    @pytest.mark.parametrize(("ended", "left"), [("mail", "calendar"), ("calendar", "mail")])
    def test_end_by_themselves_and_keep_the_grant(self, alices, ended, left, alice, acme):
        calendar(alices, connection=Connection.objects.get())

        job = connections.disconnect_integration(
            integration_id=get_integration_of(ended).id,
            user_id=alice.id,
            organisation_id=acme.id,
            at=timezone.now(),
        )

        assert Connection.objects.get().status == ConnectionStatus.ACTIVE
        assert get_integration_of(left).is_live
        from integrations.purge import provider_revocation

        provider_revocation.attempt_revocation(job, now=timezone.now)
        job.refresh_from_db()
        assert job.revocation == RevocationOutcome.NEEDED_ELSEWHERE

    @pytest.mark.scenario("X5")
    def test_come_and_go_twenty_times(self, alices, alice, acme):
        for _ in range(20):
            outcome, _ = calendar(alices, connection=Connection.objects.get())
            assert outcome == AttemptOutcome.CONNECTED
            connections.disconnect_integration(
                integration_id=get_integration_of("calendar").id,
                user_id=alice.id,
                organisation_id=acme.id,
                at=timezone.now(),
            )

        assert get_integration_of("mail").is_live
        assert Integration.objects.filter(product="calendar").count() == 20
        assert purge.list_due_jobs(at=timezone.now())


class TestTheDeadlineInTheApi:
    @pytest.mark.claim("api.reconnect-before")
    def test_is_of_the_product_that_has_waited_longest(self, alices):
        alices.connect()
        calendar(alices, connection=Connection.objects.get())
        assert read_deadline(alices) is None

        calendar(alices, connection=Connection.objects.get(), untick=(GMAIL_READONLY,))

        until = get_integration_of("mail").status_since + timedelta(days=settings.REAUTH_GRACE_DAYS)
        assert read_deadline(alices) == until.replace(microsecond=0)
        second = timedelta(seconds=1)
        assert automatic_disconnect.disconnect_due_integrations(at=until - second) == []
        (job_id,) = automatic_disconnect.disconnect_due_integrations(at=until + second)
        assert PurgeJob.objects.get(id=job_id).integration.product == "mail"
        assert get_integration_of("calendar").is_live
        assert read_deadline(alices) is None


def read_deadline(browser):
    (found,) = json.loads(browser.client.get("/v1/users/me/connections").content)["data"]
    until = found["reconnect_before"]
    return until and datetime.fromisoformat(until).replace(microsecond=0)


def _hour():
    at = timezone.now().replace(microsecond=0)
    later = at.replace(hour=(at.hour + 1) % 24)
    start, end = sorted((at, later))
    return {
        "start": {"dateTime": start.isoformat(), "timeZone": "UTC"},
        "end": {"dateTime": end.isoformat(), "timeZone": "UTC"},
    }
