"""The agents' pages over HTTP: what they find, what they show, and what they never show."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from accounts.ids import uuid7
from accounts.roles import Role
from config.process_classes import ProcessClass
from config.sites import STAFF
from integrations.models import (
    Approval,
    Connection,
    Integration,
    IntegrationStatus,
    LookupMeans,
    PurgeJob,
    SetAside,
    StatusChange,
    StatusReason,
    SupportAct,
    SupportLookup,
    SupportQuestion,
    SupportReason,
    SyncWork,
)
from integrations.support import lookups, operator_messages, support_codes
from limited_use.models import Consent, Leaf, Receipt
from tests.api import cast
from tests.broker import record_messages
from tests.factories import make_connection, make_organisation, make_user
from tests.integrations.support.desk import list_decisions, make_agent, without_tokens
from tests.integrations.support.people import disconnect, make_everything
from tests.staff_site import STAFF_URL, use_site
from tests.walls import requests_act_as_web

__all__ = ["requests_act_as_web"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("requests_act_as_web")]

MARKER = "zq-marker-5519"
#: Tone, label and sentence of a product on the person's page.
WORDS = (
    r'{}</td>\s*<td[^>]*><span class="badge ([a-z]*)">'
    r"([^<]*)</span> ([^<]*)<"
)
NOBODY = "Nobody was found. The look-up was recorded."


@pytest.fixture(autouse=True)
def queued(monkeypatch):
    return record_messages(monkeypatch)


@pytest.fixture
def alice():
    return make_everything("alice", marker=MARKER, providers=("google", "microsoft"))


@pytest.fixture
def sam():
    return make_agent()


@pytest.fixture
def desk(sam):
    """Return Sam's browser at the staff site, whose requests have the rights of its class."""
    return cast.desk(sam)


def find(browser, value, means=LookupMeans.ADDRESS, **more):
    form = {
        "means": means,
        "value": value,
        "reason": SupportReason.OWNER_ASKED,
        "ticket": "",
        **more,
    }
    return browser.post("/support/", form)


def open_person(browser, user):
    """Find the person by their platform id, and return the address of their page."""
    answer = find(browser, user.platform_id, LookupMeans.PLATFORM_ID)
    assert answer.status_code == 302, answer.content.decode()
    return answer.headers["Location"]


def read(browser, address, status=200):
    """Return the text of a page."""
    answer = browser.get(address)
    assert answer.status_code == status, answer.content.decode()[:2000]
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(html.unescape(text).split())


def get_mailbox(user, provider="google"):
    return Integration.objects.get(
        connection__user=user, connection__provider=provider, product="mail",
        status__in=["syncing", "active", "degraded", "reauth_required"],
    )  # fmt: skip


def make_act_and_question(user):
    """Have another agent order a sync for the person, and ask to see a message."""
    tim, now = make_agent("tim"), timezone.now()
    lookup = SupportLookup.objects.create(
        search_id=uuid7(), agent_id=tim.id, means="address", user=user, reason="other",
        opened_at=now, expires_at=now + timedelta(minutes=30),
    )  # fmt: skip
    SupportAct.objects.create(
        agent_id=tim.id, kind="sync_now", lookup=lookup, user=user,
        integration=get_mailbox(user), reason="sync_problem", text=MARKER,
        asked_at=now, next_try_at=now,
    )  # fmt: skip
    SupportQuestion.objects.create(
        agent_id=tim.id, lookup=lookup, user=user, kind="message", reason="other",
        text=MARKER, asked_at=now, expires_at=now + timedelta(days=7),
    )  # fmt: skip


def open_connection(browser, user, provider="google"):
    person = open_person(browser, user)
    return f"{person}connections/{get_mailbox(user, provider).connection_id}/"


class TestConsole:
    def test_is_the_start_page_of_support(self, desk):
        answer = desk.get("/support/")

        assert answer.status_code == 200
        assert "no-store" in answer.headers["Cache-Control"]

    @pytest.mark.parametrize("role", [Role.MEMBER, Role.REVIEWER, Role.OPERATOR])
    def test_is_for_no_other_role(self, role, alice):
        browser = cast.desk(make_user("otto", role=role))

        # Members are not signed in at this site.
        assert browser.get("/support/").status_code in {302, 403}
        assert find(browser, alice.email).status_code in {302, 403}
        assert not SupportLookup.objects.exists()

    def test_needs_the_second_factor(self, sam):
        with override_settings(SITE=STAFF):
            browser = cast.browser(sam, at_staff_site=True)

        assert browser.get("/support/").headers["Location"] == "/accounts/mfa/"

    def test_checks_the_form_token(self, sam, alice):
        browser = cast.desk(sam, strict=True)

        assert find(browser, alice.email).status_code == 403
        assert not SupportLookup.objects.exists()

    def test_redirects_to_the_person_whom_it_found(self, desk, alice):
        answer = find(desk, alice.email)

        lookup = SupportLookup.objects.get()
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"/support/people/{lookup.id}/"

    def test_lists_several_people_with_one_address(self, desk, alice):
        make_user("bob", email=f"box.alice.{MARKER}@mail.example")

        answer = find(desk, f"box.alice.{MARKER}@mail.example")

        assert (answer.status_code, answer.headers["Location"]) == (302, "/support/")
        page = desk.get("/support/").content.decode()
        assert "2 people have this address. Each has an open look-up below." in page
        assert page.count("Show person") == 2
        assert MARKER not in page

    def test_says_the_same_whatever_found_nobody(self, desk, sam, alice):
        now = timezone.now()
        _, used = support_codes.make_code(user_id=alice.id, at=now)
        find(desk, used, LookupMeans.CODE)
        _, expired = support_codes.make_code(user_id=alice.id, at=now - timedelta(hours=1))
        _, own = support_codes.make_code(user_id=sam.id, at=now)
        typed = [
            ("nobody@antares.example", LookupMeans.ADDRESS),
            (sam.email, LookupMeans.ADDRESS),
            (sam.platform_id, LookupMeans.PLATFORM_ID),
            (str(uuid7()), LookupMeans.CONNECTION),
            (str(uuid7()), LookupMeans.RECEIPT),
            ("7K2MP-4QXZ9", LookupMeans.CODE),
            (used, LookupMeans.CODE),
            (expired, LookupMeans.CODE),
            (own, LookupMeans.CODE),
        ]

        for value, means in typed:
            answer = find(desk, value, means)
            assert (answer.status_code, answer.headers["Location"]) == (302, "/support/")
            page = desk.get("/support/").content.decode()
            assert page.count(NOBODY) == 1
            assert value not in page.replace(sam.email, "", 1) or value == sam.email

    @pytest.mark.claim("support.nobody-found")
    def test_records_a_look_up_that_found_nobody(self, desk):
        find(desk, "nobody@antares.example")

        assert SupportLookup.objects.get().user_id is None
        assert [entry["event"] for entry in list_decisions()] == ["use.permitted"]

    @pytest.mark.parametrize(
        ("means", "value", "says"),
        [
            ("address", "alice", "Enter one complete email address."),
            ("connection", "12", "Enter a connection id"),
            ("receipt", "12", "Enter a receipt id"),
            ("code", "12", "Enter the ten letters and digits"),
            ("address", "", "This field is required."),
            ("name", "Alice", "Select a valid choice."),
        ],
    )
    def test_says_at_the_field_what_is_wrong(self, desk, means, value, says):
        answer = find(desk, value, means)

        assert answer.status_code == 400
        assert says in answer.content.decode()
        assert not SupportLookup.objects.exists()

    def test_refuses_a_ticket_that_is_none_and_a_missing_reason(self, desk, alice):
        answer = find(desk, alice.email, ticket="alice@antares.example", reason="")

        page = answer.content.decode()
        assert answer.status_code == 400
        assert "A ticket begins with a letter or digit" in page
        assert page.count("This field is required.") == 1

    @pytest.mark.claim("support.too-many-look-ups")
    def test_answers_429_after_too_many_look_ups(self, desk, alice, monkeypatch):
        monkeypatch.setattr(lookups, "HOURLY_LOOKUPS", replace(lookups.HOURLY_LOOKUPS, limit=1))
        find(desk, "nobody@antares.example")

        answer = find(desk, alice.email)

        assert answer.status_code == 429
        assert "Too many look-ups within an hour. The attempt was recorded." in (
            answer.content.decode()
        )
        assert [entry["event"] for entry in list_decisions()] == [
            "use.permitted",
            "use.refused",
        ]

    @pytest.mark.claim("support.look-up-ends", "data-use.support-states")
    def test_lists_open_look_ups_until_they_end(self, desk, alice):
        assert "None. A look-up is open for 30 minutes." in read(desk, "/support/")
        person = open_person(desk, alice)
        assert "Platform id" in read(desk, "/support/")
        assert desk.get(person).status_code == 200

        SupportLookup.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

        assert "None. A look-up is open for 30 minutes." in read(desk, "/support/")
        assert desk.get(person).status_code == 404

    def test_puts_the_typed_value_in_no_address_log_or_entry(self, desk, alice, caplog):
        caplog.set_level("DEBUG")
        typed = f"box.alice.{MARKER}@mail.example"

        answer = find(desk, typed, ticket="CASE-1")
        pages = read(desk, answer.headers["Location"]) + read(desk, "/support/")

        stored = b"".join(bytes(leaf.payload) for leaf in Leaf.objects.all()).decode()
        everything = f"{answer.headers} {pages} {stored} {list(SupportLookup.objects.values())}"
        assert MARKER not in everything
        assert MARKER not in caplog.text

    @pytest.mark.claim("support.person-sees-look-up")
    def test_is_seen_by_the_person_in_their_activity(self, desk, alice):
        browser = cast.browser(alice)
        before = read(browser, "/settings/activity/")
        find(desk, alice.email)

        after = read(browser, "/settings/activity/")

        says = "looked up the state of your connections"
        assert says not in before
        assert says in after


class TestPages:
    @pytest.mark.claim("support.find-exact", "support.states-only", "data-use.support-states")
    @pytest.mark.clause("LU-3.1")
    def test_show_no_address_and_no_content(self, desk, alice):
        person = open_person(desk, alice)
        pages = ["/support/", person, "/support/items/"] + [
            f"{person}connections/{connection.id}/"
            for connection in Connection.objects.filter(user=alice)
        ]

        assert len(pages) == 6
        for page in pages:
            answer = desk.get(page)
            assert answer.status_code == 200
            assert MARKER not in answer.content.decode()
            assert "@mail.example" not in answer.content.decode()

    def test_of_another_agent_an_ended_and_an_unknown_look_up_are_the_same_404(self, desk, alice):
        tim = cast.desk(make_agent("tim"))
        person = open_person(desk, alice)
        connection_id = get_mailbox(alice).connection_id
        foreign = [tim.get(person), tim.get(f"{person}connections/{connection_id}/")]
        unknown = tim.get(f"/support/people/{uuid7()}/")
        SupportLookup.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        ended = desk.get(person)

        assert {answer.status_code for answer in (*foreign, unknown, ended)} == {404}
        assert {without_tokens(answer.text) for answer in foreign} == {without_tokens(unknown.text)}
        unknown = desk.get(f"/support/people/{uuid7()}/")
        assert without_tokens(ended.text) == without_tokens(unknown.text)

    def test_of_a_connection_of_another_person_are_404(self, desk, alice):
        bob = make_everything("bob")
        open_person(desk, bob)
        person = open_person(desk, alice)

        assert desk.get(f"{person}connections/{get_mailbox(bob).connection_id}/").status_code == 404

    def test_refuse_members_and_other_staff(self, desk, alice):
        person = open_person(desk, alice)

        for role in (Role.REVIEWER, Role.OPERATOR, Role.MEMBER):
            browser = cast.desk(make_user("otto", role=role))
            assert browser.get(person).status_code in {302, 403}


class TestPerson:
    def test_shows_connections_by_organisation_and_until_when(self, desk, alice):
        page = read(desk, open_person(desk, alice))

        assert "You see this person until" in page
        assert "Found by: Platform id. Reason: The person asked for help." in page
        for text in ("Acme", "Google mail", "Google Calendar", "Microsoft mail", "Access granted"):
            assert text in page

    def test_shows_receipts_of_ended_connections_without_their_documents(self, desk, alice):
        page = read(desk, open_person(desk, alice))

        receipt = Receipt.objects.get(owner_id=alice.id)
        assert str(receipt.id) in page
        assert "The person disconnected" in page
        assert "Part 1," in page

    def test_shows_a_disconnected_account_as_removals_alone(self, desk, alice):
        for integration in Integration.objects.live().filter(connection__provider="google"):
            disconnect(integration)

        page = read(desk, open_person(desk, alice))

        assert page.count("The person disconnected") == 3
        assert "access being revoked" not in page

    def test_shows_pending_approvals_of_administrators(self, desk, alice):
        says = "Microsoft mail The administrator has not answered"
        person = open_person(desk, alice)
        assert says in read(desk, person)

        now = timezone.now()
        Approval.objects.update(asked_at=now - timedelta(days=8), expires_at=now)

        assert says not in read(desk, person)

    def test_shows_acts_and_questions_of_all_agents_without_their_texts(self, desk, alice):
        make_act_and_question(alice)
        # Found by Sam as well, so the database shows Sam these rows.
        bob = make_everything("bob")
        make_act_and_question(bob)
        open_person(desk, bob)

        page = read(desk, open_person(desk, alice))

        assert "Sync now In progress Mail or calendars are not up to date." in page
        assert "A message Waiting for an answer Another reason." in page
        assert page.count("Another agent") == 2
        assert MARKER not in page

    def test_counts_an_account_without_products_before_it_is_disconnected(self):
        bob, sam = make_user("bob", organisation=make_organisation()), make_agent(password="x")
        empty = make_connection(bob, bob.memberships.get().organisation)
        desk = cast.desk(sam, recent=True)
        form = f"{open_person(desk, bob)}act/?kind=revoke_connection&connection={empty.id}"

        page = read(desk, form)

        assert "1 account is disconnected" in page
        assert "No change is due now." not in page

    def test_without_connections_says_so(self, desk):
        bob = make_user("bob")

        page = read(desk, open_person(desk, bob))

        assert "The person belongs to no organisation and has no connection." in page


def set_state(alice, case):
    """Bring Alice's Google mailbox into a state that her settings describe."""
    mail = get_mailbox(alice)
    now = timezone.now()
    work = SyncWork.objects.filter(integration=mail)
    match case:
        case "up to date":
            pass
        case "stalled":
            work.update(next_sync_at=now - timedelta(hours=1), heartbeat_at=None)
        case "old":
            work.update(
                next_sync_at=now + timedelta(hours=1), last_synced_at=now - timedelta(days=2)
            )
        case "not looked at for days":
            work.update(
                next_sync_at=now + timedelta(hours=1),
                last_synced_at=now - timedelta(minutes=45),
                looked_at=now - timedelta(days=10),
            )
        case "delayed message":
            SetAside.objects.filter(integration=mail).update(
                reason="delayed", next_try_at=now + timedelta(minutes=1)
            )
        case "changed description":
            Consent.objects.filter(owner_id=alice.id, feature="inbox").update(version=999)
        case "access ended":
            Connection.objects.filter(id=mail.connection_id).update(
                status="reauth_required", reauth_since=now
            )
            Integration.objects.filter(id=mail.id).update(
                status="reauth_required", status_reason="grant_revoked"
            )
        case reason:
            Integration.objects.filter(id=mail.id).update(
                status=IntegrationStatus.DEGRADED, status_reason=reason
            )


STATES = [
    "up to date",
    "stalled",
    "old",
    "not looked at for days",
    "delayed message",
    "changed description",
    "access ended",
]
REASONS = [reason for reason in StatusReason.values if reason]


class TestWords:
    @pytest.mark.parametrize("case", STATES)
    def test_are_those_that_the_person_reads(self, desk, alice, case):
        set_state(alice, case)

        self.compare(desk, open_person(desk, alice), alice, case)

    def test_of_each_reason_are_those_that_the_person_reads(self, desk, alice):
        person = open_person(desk, alice)
        for reason in REASONS:
            set_state(alice, reason)

            self.compare(desk, person, alice, reason)

    @staticmethod
    def compare(desk, person, alice, case):
        mail = get_mailbox(alice)
        answer = cast.browser(alice).get("/settings/integrations/")
        assert answer.status_code == 200
        own_page = answer.content.decode()
        badge = re.search(rf'id="b-{mail.id}" class="badge ([a-z]*)"[^>]*>([^<]*)<', own_page)
        cell = re.search(WORDS.format("Google mail"), desk.get(person).content.decode())

        assert badge is not None
        assert cell is not None
        assert (cell[1], cell[2]) == badge.groups(), case
        assert cell[3].strip() in own_page or case == "access ended", case

    @pytest.mark.parametrize("provider", ["google", "microsoft"])
    def test_of_calendars_are_those_that_the_person_reads(self, desk, alice, provider):
        calendar = Integration.objects.get(
            connection__user=alice, connection__provider=provider, product="calendar"
        )
        own_page = cast.browser(alice).get("/settings/integrations/").content.decode()
        badge = re.search(rf'id="b-{calendar.id}" class="badge ([a-z]*)"[^>]*>([^<]*)<', own_page)

        page = desk.get(open_person(desk, alice)).content.decode()
        cell = re.search(WORDS.format(f"{provider.title()} Calendar"), page)

        assert (cell[1], cell[2]) == badge.groups()
        assert cell[3].strip() in own_page


class TestConnection:
    def test_says_cause_and_next_step_of_each_reason(self, desk, alice):
        connection = open_connection(desk, alice)
        for reason in REASONS:
            set_state(alice, reason)

            page = read(desk, connection)

            diagnosis = operator_messages.REASON[reason]
            assert str(diagnosis.cause) in page
            assert str(diagnosis.next_step) in page

    def test_counts_failed_crashed_and_refused_checks(self, desk, alice):
        now = timezone.now()
        SyncWork.objects.filter(integration=get_mailbox(alice)).update(
            failure_count=4, failing_since=now - timedelta(hours=2), crash_count=3,
            denial_count=1, pause_reason="rate_limited", next_sync_at=now + timedelta(minutes=9),
        )  # fmt: skip

        page = read(desk, open_connection(desk, alice))

        for text in (
            "4 checks in a row failed.",
            "3 checks in a row ended with a bug, or their worker died.",
            "the alarm is sync.crashing",
            "The provider refused 1 check since the last success.",
            "Failing since",
            str(operator_messages.REASON["rate_limited"].cause),
        ):
            assert text in page

    def test_plans_no_check_that_is_years_away(self, desk, alice):
        page = open_connection(desk, alice)
        works = SyncWork.objects.filter(integration=get_mailbox(alice))
        says = "Not planned: when the person looks"

        for days, is_planned in ((29, True), (31, False)):
            works.update(next_sync_at=timezone.now() + timedelta(days=days))
            mail = read(desk, page).partition("Google Calendar")[0]
            assert (says not in mail) is is_planned

    def test_shows_counts_quarantine_push_and_permissions(self, desk, alice):
        page = read(desk, open_connection(desk, alice))

        assert "Messages 1" in page
        assert "Calendars 1 Events 1" in page
        assert "Its parts are nested too deeply. 1" in page
        assert "Notifications arrive until it expires None yet" in page
        assert "Antares does not use it. Granted, unused" in page
        assert "https://www.googleapis.com/auth/contacts.readonly" in page
        assert "Read your mail" in page or "read your mail" in page

    def test_shows_a_missing_permission(self, desk, alice):
        mail = get_mailbox(alice)
        Connection.objects.filter(id=mail.connection_id).update(granted_scopes=["openid", "email"])

        assert "Not granted" in read(desk, open_connection(desk, alice))

    def test_shows_the_history_newest_first(self, desk, alice):
        now = timezone.now()
        mail = get_mailbox(alice)
        for minutes, status, reason in ((2, "degraded", "rate_limited"), (3, "active", "")):
            Integration.objects.filter(id=mail.id).update(
                status=status, status_reason=reason, status_since=now + timedelta(minutes=minutes)
            )

        page = read(desk, open_connection(desk, alice))

        history = page[page.index("What happened") :]
        cause = str(operator_messages.REASON["rate_limited"].cause)
        assert history.count("Google mail Connected") == 2
        assert history.index(cause) > history.index("Google mail Connected")
        assert "Account Connected, for the first time or again" in history

    def test_shows_acts_on_the_whole_person_since_the_account_was_connected(self, desk, sam, alice):
        page = open_connection(desk, alice)
        lookup = SupportLookup.objects.get()
        connected_at = get_mailbox(alice).connection.connected_at
        for minutes in (-1, 1):
            at = connected_at + timedelta(minutes=minutes)
            SupportAct.objects.create(
                agent_id=sam.id, kind="revoke_person", lookup=lookup, user=alice, reason="other",
                text="x", ticket="1", state="unnecessary", asked_at=at, settled_at=at,
                next_try_at=at,
            )  # fmt: skip

        history = read(desk, page).partition("What happened")[2]

        assert history.count("Support ordered: Disconnect all accounts") == 1

    def test_shows_acts_for_the_whole_person_until_the_account_ended(self, desk, sam, alice):
        person = open_person(desk, alice)
        ended = Connection.objects.get(user=alice, status="ended")
        for minutes in (-1, 1):
            at = ended.ended_at + timedelta(minutes=minutes)
            SupportAct.objects.create(
                agent_id=sam.id, kind="revoke_person", lookup=SupportLookup.objects.get(),
                user=alice, reason="other", text="x", ticket="1", asked_at=at, next_try_at=at,
                state="unnecessary", settled_at=at,
            )  # fmt: skip
        Connection.objects.filter(id=ended.id).update(connected_at=ended.ended_at - timedelta(1))

        page = read(desk, f"{person}connections/{ended.id}/")

        assert page.count("Support ordered: Disconnect all accounts") == 1

    def test_shows_at_most_a_hundred_entries(self, desk, alice):
        mail, now = get_mailbox(alice), timezone.now()
        StatusChange.objects.bulk_create(
            StatusChange(integration=mail, status="active", since=now - timedelta(minutes=n))
            for n in range(150)
        )

        answer = desk.get(open_connection(desk, alice)).content.decode()

        assert answer[answer.index('id="timeline"') :].count("<tr>") == 101

    def test_shows_a_removal_with_deadlines_and_receipt(self, desk, alice):
        person = open_person(desk, alice)
        ended = Connection.objects.get(user=alice, status="ended")

        page = read(desk, f"{person}connections/{ended.id}/")

        receipt = Receipt.objects.get(owner_id=alice.id)
        assert "Step Receipt signed" in page
        assert "Access at the provider Confirmed by the provider" in page
        assert str(receipt.id) in page
        assert "No product is connected." in page
        assert "Permissions" not in page

    def test_shows_when_the_end_of_the_keys_was_proved(self, desk, alice):
        person = open_person(desk, alice)
        ended = Connection.objects.get(user=alice, status="ended")
        PurgeJob.objects.filter(integration__connection=ended).update(content_kek_epoch=1)
        path = f"{person}connections/{ended.id}/"
        assert "Key epoch destroyed due " in read(desk, path)

        Receipt.objects.filter(owner_id=alice.id).update(part=2)

        assert "Key epoch destroyed proved " in read(desk, path)

    def test_offers_no_sync_while_the_person_has_to_reconnect(self, desk, alice):
        path = open_connection(desk, alice)
        assert f"?kind=sync_now&amp;integration={get_mailbox(alice).id}" in desk.get(path).text

        set_state(alice, "access ended")

        page = desk.get(path).text
        for kind in ("sync_now", "retry_quarantined", "renew_push"):
            assert f"?kind={kind}&amp;integration={get_mailbox(alice).id}" not in page
        assert "Not planned: the person has to reconnect first" in page


def test_staff_site_leads_support_to_the_console(sam, settings):
    use_site(settings, ProcessClass.STAFF)
    browser = cast.desk(sam)

    assert STAFF_URL
    assert browser.get("/").headers["Location"] == reverse("support-console")
