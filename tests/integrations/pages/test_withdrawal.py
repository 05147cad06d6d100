"""Withdrawing the agreement to a feature: what its page says, against rows, and what goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import memberships, user_provisioning
from accounts.models import Organisation, User
from config.process_classes import ProcessClass
from integrations import connections, purge
from integrations.access.request_context import RequestContext
from integrations.calendar import agenda
from integrations.connections import automatic_disconnect
from integrations.models import (
    Calendar,
    Event,
    Integration,
    Message,
    PurgeJob,
    PurgeStep,
    PurgeTrigger,
    Thread,
)
from integrations.providers.local import LOCAL
from limited_use.agreements import consents
from limited_use.ledger import pseudonyms
from limited_use.models import Consent
from limited_use.models.shares import Share, ShareLevel
from limited_use.policy.feature_registry import FEATURES
from limited_use.vault import data_keys
from limited_use.vault.keyring.keyring_file import FileKeyring
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable
from tests.api import cast
from tests.broker import record_messages
from tests.fakes.calendars import FakeCalendars
from tests.integrations import calendar_house as houses
from tests.integrations import household as mailboxes
from tests.integrations.calendar.test_imported import share_calendar
from tests.integrations.calendar.test_shared import actor_of
from tests.integrations.calendar_house import meeting, moment
from tests.integrations.formats.icalendar.files import calendar, event
from tests.integrations.pages import reading
from tests.integrations.purge import holdings
from tests.walls import acting_as

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clause("AN-2", "AN-9")]
WITHDRAW = "/settings/features/calendar/withdraw/"
NEW = {"name": "Family", "zone": "Europe/Berlin", "agree": "on"}
TEA = event("DTSTART:20260603T090000", "DURATION:PT1H", "SUMMARY:Tea", uid="tea@x")
CAKE = event("DTSTART:20260604T090000", "DURATION:PT1H", "SUMMARY:Cake", uid="cake@x")


@pytest.fixture(autouse=True)
def no_broker(monkeypatch):
    record_messages(monkeypatch)


@pytest.fixture
def alice(monkeypatch, keyring):
    """Return Alice with a Google calendar of two events."""
    account = houses.provided(monkeypatch, FakeCalendars("alice@gmail.example"))
    house = houses.calendar_house(at=timezone.now())
    account.put(meeting(moment(3), "Review"))
    account.put(meeting(moment(4), "Plan"))
    house.sync(at=timezone.now())
    return house


@pytest.fixture
def browser(alice):
    return cast.browser(alice.user, recent=True)


@pytest.fixture
def local(alice, browser):
    """Return a calendar of Alice's that is stored only in Antares, with one event."""
    form = {**NEW, "version": FEATURES["local-calendar"].version}
    assert browser.post(reverse("settings-local-calendar-new"), form).status_code == 302
    made = Calendar.objects.get(is_local=True)
    import_file(browser, made, calendar(TEA))
    return made


def import_file(browser, made, data):
    chosen = SimpleUploadedFile("my.ics", data, content_type="text/calendar")
    answer = browser.post(reverse("settings-local-calendar-fill", args=[made.id]), {"file": chosen})
    assert answer.status_code == 302


def file_of(browser, made):
    answer = browser.get(reverse("settings-local-calendar-file", args=[made.id]))
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def read_main_text(browser, address=WITHDRAW):
    answer = browser.get(address)
    assert answer.status_code == 200
    return reading.text(answer.text.split("<main")[1])


def list_agreed_features():
    live = Consent.objects.filter(withdrawn_at=None)
    return set(live.values_list("feature", flat=True))


class TestThePageOfCalendars:
    def test_names_each_calendar_with_its_events_as_the_rows_have_them(self, alice, browser, local):
        import_file(browser, local, calendar(TEA, CAKE))

        page = read_main_text(browser)

        assert "disconnects 1 account" in page
        assert "Google Calendar alice@gmail.example, connected" in page
        google = Event.objects.filter(calendar=alice.primary).count()
        own = Event.objects.filter(calendar=local).count()
        assert (google, own) == (2, 2)
        assert f"“alice@gmail.example”: {google} events" in page
        assert f"“Family”: {own} events" in page

    def test_says_nothing_of_mail(self, browser, local):
        page = read_main_text(browser)

        assert "message" not in page
        assert "conversation" not in page
        assert "Your calendars at Google stay as they are." in page

    def test_says_that_local_calendars_stay_and_offers_their_files(self, browser, local):
        page = browser.get(WITHDRAW).text

        text = reading.text(page)
        assert "Your Antares calendars stay" in text
        assert "Antares account" not in text
        assert "disconnects 1 account" in text
        assert reverse("settings-local-calendar-file", args=[local.id]) in page
        assert reverse("settings-local-calendar", args=[local.id]) in page

    def test_says_nothing_of_local_calendars_to_who_has_none(self, browser):
        assert "Antares calendars" not in read_main_text(browser)

    @pytest.mark.claim("withdraw.also")
    def test_says_which_other_agreement_ends_and_it_does(self, alice, browser, local):
        assert "Your agreement to Edit events ends as well." in read_main_text(browser)
        assert list_agreed_features() == {"calendar", "calendar-editing", "local-calendar"}

        browser.post(WITHDRAW)

        assert list_agreed_features() == {"local-calendar"}

    def test_names_no_other_agreement_where_none_ends(self, alice, browser):
        Consent.objects.filter(feature="calendar-editing").update(withdrawn_at=timezone.now())

        assert "ends as well" not in read_main_text(browser)

    @pytest.mark.claim("withdraw.shares")
    def test_counts_shares_that_end_and_leaves_those_of_local_calendars(
        self, alice, browser, local
    ):
        bob = actor_of(*mailboxes.person("bob", alice.organisation, at=timezone.now()))
        for item in (alice.primary.id, local.id):
            share_calendar(alice.actor, bob, item, ShareLevel.DETAILS)
        assert "Sharing of these calendars ends at once." in read_main_text(browser)

        browser.post(WITHDRAW)

        assert list(Share.objects.filter(withdrawn_at=None).values_list("item", flat=True)) == [
            local.id
        ]

    def test_lists_calendars_as_the_other_pages_that_end_them_do(self, alice, browser, local):
        bob = actor_of(*mailboxes.person("bob", alice.organisation, at=timezone.now()))
        for item in (alice.primary.id, local.id):
            share_calendar(alice.actor, bob, item, ShareLevel.DETAILS)
        google = "“alice@gmail.example”: 2 events, shared with 1 person"
        family = "“Family”: 1 event, shared with 1 person"
        disconnect, remove_all = (
            reverse("settings-disconnect", args=[one.integration_id])
            for one in (alice.primary, local)
        )

        pages = [read_main_text(browser, address) for address in (WITHDRAW, disconnect, remove_all)]

        assert [(google in page, family in page) for page in pages] == [
            (True, True),
            (True, False),
            (False, True),
        ]

    def test_is_shown_without_names_where_words_changed(self, alice, browser, local, monkeypatch):
        reworded = replace(FEATURES["calendar"], version=FEATURES["calendar"].version + 1)
        monkeypatch.setitem(FEATURES, "calendar", reworded)

        page = read_main_text(browser)

        assert "A calendar whose name cannot be shown now: 2 events" in page
        assert "“Family”: 1 event" in page

    def test_is_shown_without_names_where_their_keys_do_not_answer(
        self, alice, browser, local, monkeypatch
    ):
        for one in Calendar.objects.all():
            data_keys.destroy_data_key(holder=one.cache_id)

        page = read_main_text(browser)

        assert page.count("A calendar whose name cannot be shown now") == 2

    @pytest.mark.invariant(5)
    def test_is_shown_without_names_while_the_key_store_does_not_respond(
        self, alice, browser, local, monkeypatch
    ):
        def fail(*_, **__):
            raise KeyStoreUnavailable("it does not respond")

        # A process caches the key of the ledger as well.
        for name in ("compute_mac", "unwrap"):
            monkeypatch.setattr(FileKeyring, name, fail)
        data_keys.drop_cached_keys()
        pseudonyms.drop_cached_ledger_keys()

        page = read_main_text(browser)

        assert page.count("A calendar whose name cannot be shown now") == 2
        assert "alice@gmail.example" not in page


class TestDisconnectAfterWithdrawal:
    @pytest.mark.claim("disconnect.removes")
    @pytest.mark.invariant(5)
    def test_removes_what_its_page_counts_and_ends_shares_at_once(self, alice, browser, local):
        bob = actor_of(*mailboxes.person("bob", alice.organisation, at=timezone.now()))
        google = alice.primary
        for item in (google.id, local.id):
            share_calendar(alice.actor, bob, item, ShareLevel.DETAILS)
        seen = RequestContext(bob, bob.user_id, timezone.now())
        assert {one.calendar.id for one in agenda.get_visible_calendars(seen)} == {
            google.id,
            local.id,
        }
        address = reverse("settings-disconnect", args=[alice.integration.id])
        page = read_main_text(browser, address)
        assert "Antares removes 1 calendar with 2 events, and destroys the keys that open" in page
        assert "Sharing of these calendars ends at once." in page

        browser.post(address)

        # In the commit of the answer.
        assert {one.calendar.id for one in agenda.get_visible_calendars(seen)} == {local.id}
        live = Share.objects.filter(withdrawn_at=None)
        assert list(live.values_list("item", flat=True)) == [local.id]
        assert not data_keys.has_data_key(google.cache_id)
        assert data_keys.has_data_key(local.cache_id)
        finish_purge(PurgeJob.objects.get())
        assert [one.id for one in Calendar.objects.all()] == [local.id]
        assert Event.objects.count() == 1


class TestWithdrawingWithALocalCalendar:
    @pytest.mark.claim("withdraw.local-stays", "feature.local-calendar-disclosure")
    @pytest.mark.claim("help.antares-calendars-stay")
    @pytest.mark.invariant(5)
    def test_leaves_its_rows_its_key_and_its_file(self, alice, browser, local):
        page = read_main_text(browser)
        assert "They are stored only in Antares. Withdrawing does not remove them." in page
        before = file_of(browser, local)
        copy = alice.primary.cache_id

        answer = browser.post(WITHDRAW)

        job = PurgeJob.objects.get()
        assert job.integration_id == alice.integration.id
        assert answer["Location"] == reverse("settings-purge", args=[job.id])
        assert not data_keys.has_data_key(copy)
        kept = Calendar.objects.get(id=local.id)
        assert kept.cache_id == local.cache_id
        assert data_keys.has_data_key(local.cache_id)
        assert Event.objects.filter(calendar=local).count() == 1
        assert b"SUMMARY:Tea" in before
        assert b"SUMMARY:Tea" in file_of(browser, local)

    @pytest.mark.claim("feature.local-calendar-disclosure")
    @pytest.mark.invariant(6)
    def test_is_not_undone_by_the_sweep(self, alice, browser, local):
        browser.post(WITHDRAW)

        with acting_as(ProcessClass.PURGE):
            assert automatic_disconnect.disconnect_due_integrations(at=timezone.now()) == []

        assert Integration.objects.live().get().connection.provider == LOCAL.key

    @pytest.mark.claim("feature.local-calendar", "withdraw.local-usable")
    def test_lets_its_owner_go_on_reading_and_writing(self, browser, local):
        assert "You can use them as before." in read_main_text(browser)
        browser.post(WITHDRAW)

        import_file(browser, local, calendar(TEA, CAKE))

        month = browser.get(reverse("calendar"), {"view": "month", "day": "2026-06-03"})
        assert month.status_code == 200
        assert "Cake" in month.text
        assert "Family" in browser.get(reverse("settings-local-calendar", args=[local.id])).text
        assert browser.get("/settings/integrations/").status_code == 200

    @pytest.mark.claim("feature.local-calendar-disclosure")
    def test_of_the_last_google_calendar_by_disconnecting_leaves_it_too(
        self, alice, browser, local
    ):
        browser.post(reverse("settings-disconnect", args=[alice.integration.id]))

        assert list_agreed_features() == {"local-calendar"}
        assert b"SUMMARY:Tea" in file_of(browser, local)


def remove_it(owner, browser, made):
    address = reverse("settings-local-calendar-remove", args=[made.id])
    seen = Calendar.objects.get(id=made.id).version
    assert browser.post(address, {"version": seen}).status_code == 302


def leave_organisation(owner, browser, made):
    memberships.end_membership(
        user_id=owner.user.id, organisation_id=owner.organisation.id, at=timezone.now()
    )


def close_organisation(owner, browser, made):
    Organisation.objects.filter(id=owner.organisation.id).update(closed_at=timezone.now())


def end_access(owner, browser, made):
    user_provisioning.deactivate_user(user_id=owner.user.id, at=timezone.now())


def stay_away(owner, browser, made, *, days=366):
    User.objects.filter(id=owner.user.id).update(last_seen_at=timezone.now() - timedelta(days=days))


def disconnect_and_purge():
    with acting_as(ProcessClass.PURGE):
        automatic_disconnect.disconnect_due_integrations(at=timezone.now())
    for job in PurgeJob.objects.all():
        finish_purge(job)


class TestALocalCalendar:
    """What the agreement to Antares calendars says about the end of one."""

    @pytest.mark.claim("feature.local-calendar-disclosure", "stored.local-calendars")
    @pytest.mark.claim("stored.local-calendars")
    @pytest.mark.parametrize(
        "end", [remove_it, leave_organisation, close_organisation, end_access, stay_away]
    )
    def test_goes_with_its_events_and_its_key(self, alice, browser, local, end):
        disconnect_and_purge()
        assert b"SUMMARY:Tea" in file_of(browser, local)

        end(alice, browser, local)
        disconnect_and_purge()

        assert not Calendar.objects.filter(id=local.id).exists()
        assert not Event.objects.filter(calendar_id=local.id).exists()
        assert not data_keys.has_data_key(local.cache_id)

    @pytest.mark.claim("feature.local-calendar-disclosure", "stored.local-calendars")
    @pytest.mark.claim("stored.local-calendars")
    def test_stays_for_a_year_without_signing_in(self, alice, browser, local):
        stay_away(alice, browser, local, days=364)

        disconnect_and_purge()

        assert b"SUMMARY:Tea" in file_of(browser, local)


class TestTheAgreementToLocalCalendars:
    def test_is_not_withdrawn_while_they_are_there(self, alice, browser, local):
        address = reverse("settings-feature-withdraw", args=["local-calendar"])

        assert browser.get(address).status_code == browser.post(address).status_code == 404
        with pytest.raises(connections.LocalCalendarsExist):
            connections.withdraw_consent(
                feature="local-calendar",
                user_id=alice.user.id,
                organisation_id=alice.organisation.id,
                at=timezone.now(),
            )
        assert "local-calendar" in list_agreed_features()

    def test_is_asked_for_again_where_its_words_changed(self, browser, local, monkeypatch):
        version = FEATURES["local-calendar"].version + 1
        reworded = replace(FEATURES["local-calendar"], version=version)
        monkeypatch.setitem(FEATURES, "local-calendar", reworded)
        month = (reverse("calendar"), {"view": "month", "day": "2026-06-03"})
        assert browser.get(*month).status_code == 403
        # The owner can still download their events.
        assert b"SUMMARY:Tea" in file_of(browser, local)

        form = {"agree": "yes", "version": str(version)}
        browser.post(reverse("settings-feature", args=["local-calendar"]), form)

        assert "Tea" in browser.get(*month).text

    def test_missing_for_any_reason_removes_nothing(self, alice, browser, local):
        with transaction.atomic():
            for feature in ("calendar", "local-calendar"):
                consents.withdraw(
                    person_id=alice.user.id,
                    organisation_id=alice.organisation.id,
                    feature=feature,
                    at=timezone.now(),
                )

        with acting_as(ProcessClass.PURGE):
            automatic_disconnect.disconnect_due_integrations(at=timezone.now())

        assert PurgeJob.objects.get().integration_id == alice.integration.id
        assert b"SUMMARY:Tea" in file_of(browser, local)

    def test_ends_with_the_last_of_them(self, alice, browser, local):
        browser.post(
            reverse("settings-disconnect", args=[local.integration_id]), {"files_kept": "yes"}
        )

        assert list_agreed_features() == {"calendar", "calendar-editing"}
        assert PurgeJob.objects.get().trigger == PurgeTrigger.OWNER


class TestRemovingAllLocalCalendars:
    def test_names_each_with_its_file_and_the_page_that_removes_it(self, browser, local):
        page = browser.get(reverse("settings-disconnect", args=[local.integration_id])).text

        assert "“Family”: 1 event" in reading.text(page)
        assert reverse("settings-local-calendar-file", args=[local.id]) in page
        assert reverse("settings-local-calendar-remove", args=[local.id]) in page
        assert "Disconnect" not in reading.text(page.split("<main")[1].split("</main>")[0])

    @pytest.mark.claim("local-remove.no-copy-of-all", "local-remove.within-an-hour")
    @pytest.mark.claim("feature.local-calendar-disclosure", "local-remove.receipt")
    def test_leaves_nothing_that_could_be_brought_back(self, alice, browser, local):
        import_file(browser, local, calendar(TEA, CAKE))
        address = reverse("settings-disconnect", args=[local.integration_id])
        page = read_main_text(browser, address)
        assert "They are stored only in Antares. Removed calendars cannot be restored." in page
        counted = "1 calendar with 2 events: unreadable at once, and removed within an hour."
        assert counted in page

        answer = browser.post(address, {"files_kept": "yes"})

        # Alice's account at Google has nothing of it, and there is no key from the commit on.
        assert answer.status_code == 302
        assert not data_keys.has_data_key(local.cache_id)
        assert "Family" not in browser.get(reverse("calendar")).text
        assert list_statuses_offered(browser, local) == [404, 404]
        job = finish_purge(PurgeJob.objects.get())
        assert job.done_at - job.fenced_at < timedelta(hours=1)
        assert "You get a signed receipt that anyone can check." in page
        assert job.receipt_id is not None
        assert not Calendar.objects.filter(id=local.id).exists()
        assert not Event.objects.filter(calendar_id=local.id).exists()
        alice.sync(at=timezone.now())
        assert [one.id for one in Calendar.objects.all()] == [alice.primary.id]
        assert list_statuses_offered(browser, local) == [404, 404]

    @pytest.mark.claim("local-remove.shares-end")
    def test_counts_the_shares_that_end_with_them(self, alice, browser, local):
        bob = actor_of(*mailboxes.person("bob", alice.organisation, at=timezone.now()))
        for item in (alice.primary.id, local.id):
            share_calendar(alice.actor, bob, item, ShareLevel.DETAILS)
        address = reverse("settings-disconnect", args=[local.integration_id])
        assert "Sharing of these calendars ends at once." in read_main_text(browser, address)

        browser.post(address, {"files_kept": "yes"})

        assert list(Share.objects.filter(withdrawn_at=None).values_list("item", flat=True)) == [
            alice.primary.id
        ]

    def test_by_a_click_without_having_the_files_removes_nothing(self, browser, local):
        answer = browser.post(reverse("settings-disconnect", args=[local.integration_id]))

        assert "I have the files that I want to keep." in reading.text(answer.text)
        assert not PurgeJob.objects.exists()
        assert data_keys.has_data_key(local.cache_id)

    def test_has_no_page_of_cached_copies(self, browser, local):
        address = reverse("settings-calendars-erase", args=[local.integration_id])

        assert browser.get(address).status_code == browser.post(address).status_code == 404


def list_statuses_offered(browser, made):
    """Return how the page and the file of a calendar are answered."""
    names = ("settings-local-calendar", "settings-local-calendar-file")
    return [browser.get(reverse(name, args=[made.id])).status_code for name in names]


def finish_purge(job):
    """Run a purge as workers do, until it is done."""
    for _ in range(200):
        job.refresh_from_db()
        if job.step == PurgeStep.DONE:
            return job
        with acting_as(ProcessClass.PURGE):
            purge.run_purge(job_id=job.id, now=partial(max, timezone.now(), job.next_try_at))
    raise AssertionError("the purge does not end")


class TestThePageOfOneLocalCalendar:
    def test_offers_its_file_before_the_button_that_removes_it(self, browser, local):
        page = browser.get(reverse("settings-local-calendar-remove", args=[local.id])).text

        offer = page.index(reverse("settings-local-calendar-file", args=[local.id]))
        assert offer < page.index("Remove it for good")


class TestThePageOfTheInbox:
    def test_counts_messages_and_conversations_by_account(self, keyring):
        alice = mailboxes.household()
        owner = holdings.PersonWithHoldings(alice.user, alice.organisation)
        account = holdings.connection(owner, at=timezone.now())
        second = holdings.integration(account, at=timezone.now(), messages=3)
        browser = cast.browser(alice.user, recent=True)

        page = read_main_text(browser, "/settings/features/inbox/withdraw/")

        messages = Message.objects.filter(integration=second).count()
        threads = Thread.objects.filter(integration=second).count()
        assert messages == 3
        assert "disconnects 2 accounts" in page
        assert f"{messages} messages in {threads} conversation" in page
        assert "0 messages in 0 conversations" in page
        assert page.count("Google mail alice@gmail.example, connected") == 2
        assert "Your mail at Google stays as it is." in page
        assert "calendar" not in page.split("Keep it")[0].lower()
