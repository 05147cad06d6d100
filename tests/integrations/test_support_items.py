"""One message, opened to support by its owner for a time: pages, refusals, and what is recorded."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from integrations import mail
from integrations.access import support_permits
from integrations.grants import provider_credentials
from integrations.mail import support_access
from integrations.models import Attachment
from limited_use.agreements import consents
from limited_use.guard.guard import AccessRefused
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import Fact
from limited_use.sinks import support_sink
from limited_use.vault.envelope import Unopenable
from tests.api import cast
from tests.database_rows import TABLES_OF_A_RECORD, dump_tables, list_changed_tables
from tests.factories import actor_for, make_message, make_user
from tests.integrations.pages import reading
from tests.integrations.support.desk import (
    actor_of,
    list_decisions,
    make_agent,
    without_tokens,
)
from tests.integrations.support.people import disconnect, make_mailbox
from tests.walls import requests_act_as_web

__all__ = ["requests_act_as_web"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.invariant(1),
    pytest.mark.usefixtures("requests_act_as_web"),
]

CANARY = "CANARY-item-7c2"
VERSION = FEATURES["support"].version


@pytest.fixture
def mailbox():
    return make_mailbox("alice")


@pytest.fixture
def alice(mailbox):
    return actor_for(mailbox.connection.user, mailbox.connection.organisation)


@pytest.fixture
def message(mailbox):
    return make_message(
        mailbox, subject=f"{CANARY} <b>", text=f"{CANARY} text\n\nmore", attachments=[
            (f"{CANARY}.pdf", "application/pdf", 12)
        ],
    )  # fmt: skip


@pytest.fixture
def other(mailbox):
    return make_message(mailbox, subject="OTHER-SUBJECT", text="OTHER-TEXT")


@pytest.fixture
def sam():
    return make_agent()


def open_to_support(alice, message, *, hours=24, at=None):
    return support_access.open_to_support(
        actor=alice, message_id=message.id, hours=hours, version=VERSION, at=at or timezone.now()
    )


def desk(user):
    return cast.desk(user)


def read_item(browser, message):
    return browser.get(f"/support/items/{message.id}/")


class TestTheOwner:
    @pytest.fixture
    def browser(self, mailbox):
        return cast.browser(mailbox.connection.user, recent=True)

    def agree(self, browser, message, **form):
        fields = {"agree": "yes", "hours": "24", "version": str(VERSION), **form}
        return browser.post(f"/inbox/messages/{message.id}/support/", fields)

    @pytest.mark.clause("LU-3.1")
    @pytest.mark.clause("WLU-3.1")
    def test_is_told_who_reads_what_and_until_when_before_agreeing(self, browser, message):
        page = browser.get(f"/inbox/messages/{message.id}/support/").content.decode()

        assert f"{CANARY} &lt;b&gt;" in page
        assert "An Antares support agent can read this one message" in page
        assert re.findall(r'name="hours" value="(\d+)"', page) == ["1", "24", "72"]
        assert "checked" not in page

    @pytest.mark.claim("support.can-read-until", "support.open-until")
    @pytest.mark.clause("WLU-3.1")
    @pytest.mark.parametrize("hours", [1, 24, 72])
    def test_opens_one_message_until_the_end_they_chose(self, browser, message, hours):
        self.agree(browser, message, hours=str(hours))

        consent = Consent.objects.get(item=message.id)
        assert consent.expires_at - consent.given_at == timedelta(hours=hours)
        ends = consent.expires_at
        end = f"<time [^>]*>{ends.day} {ends:%b} {ends:%Y}, {ends:%H:%M} UTC</time>"
        form_page = browser.get(f"/inbox/messages/{message.id}/support/").content.decode()
        thread_page = browser.get(f"/inbox/threads/{message.thread_id}/").content.decode()
        assert re.search(f"A support agent can read this message until {end}", form_page)
        assert re.search(f"Support can read this until {end}", thread_page)
        assert read_item(desk(make_agent()), message).status_code == 200
        assert (consent.purpose, consent.recipient) == ("support.item", "support_agent")
        assert consent.owner_id == message.user_id

    @pytest.mark.clause("LU-3.1")
    @pytest.mark.parametrize(
        "form",
        [{"agree": ""}, {"hours": ""}, {"hours": "8760"}, {"hours": "-1"}, {"version": "0"}],
    )
    def test_opens_nothing_without_agreeing_to_all_of_it(self, browser, message, form):
        answer = self.agree(browser, message, **form)

        assert answer.status_code == 302
        assert not Consent.objects.filter(feature="support").exists()

    @pytest.mark.control("2.4.1")
    def test_is_asked_who_they_are_first(self, mailbox, message):
        browser = cast.browser(mailbox.connection.user)

        assert "/reauthenticate/" in self.agree(browser, message).url
        assert not Consent.objects.filter(feature="support").exists()

    @pytest.mark.claim("support.open-until")
    def test_sees_that_it_is_open_and_takes_it_back(self, browser, message):
        self.agree(browser, message)
        thread = f"/inbox/threads/{message.thread_id}/"
        assert "Support can read this until" in browser.get(thread).content.decode()

        browser.post(f"/inbox/messages/{message.id}/support/close/")

        assert "Support can read this until" not in browser.get(thread).content.decode()
        assert Consent.objects.get(item=message.id).withdrawn_at

    def test_opens_and_closes_nothing_of_anybody_else(self, message, alice):
        stranger = make_mailbox("mallory").connection.user
        browser = cast.browser(stranger, recent=True)
        open_to_support(alice, message)

        assert self.agree(browser, message).status_code == 404
        assert browser.post(f"/inbox/messages/{message.id}/support/close/").status_code == 404
        assert Consent.objects.get(item=message.id).withdrawn_at is None

    @pytest.mark.claim("support.reading-recorded", "support.each-reading", "feature.support")
    @pytest.mark.invariant(3)
    @pytest.mark.clause("LU-3.1")
    def test_finds_every_reading_in_their_own_ledger(self, mailbox, message, alice, sam):
        from limited_use.ledger import subject_access
        from limited_use.ledger.entry_filters import EntryFilter

        open_to_support(alice, message)
        for _ in range(2):
            assert read_item(desk(sam), message).status_code == 200

        from limited_use.ledger import pseudonyms

        naming = pseudonyms.get_pseudonym_naming(mailbox.connection_id)
        subject = bytes.fromhex(naming(mailbox.id))
        entries = subject_access.find_subject_entries(
            [subject], EntryFilter(purpose="support.item")
        )
        assert len(entries) == 4
        assert {entry.count for entry in entries} == {1}
        hers = cast.browser(mailbox.connection.user)
        page = hers.get("/settings/activity/entries/", {"purpose": "support.item"}).text
        lines = [reading.text(row) for row in page.split("<li>")]
        assert len([line for line in lines if "An Antares support agent" in line]) == 4
        days = reading.text(hers.get("/settings/activity/").text)
        assert (
            "An Antares support agent read a message or an event that you opened to support" in days
        )


class TestSupport:
    @pytest.mark.claim("data-use.staff")
    @pytest.mark.clause("LU-3.1")
    @pytest.mark.clause("AN-18")
    def test_sees_ids_ends_and_organisations_of_what_is_open(self, message, other, alice, sam):
        open_to_support(alice, message)

        page = desk(sam).get("/support/items/").content.decode()

        assert str(message.id) in page
        assert str(other.id) not in page
        assert CANARY not in page

    @pytest.mark.claim(
        "support.item-only",
        "support.nothing-else",
        "feature.support",
        "data-use.staff",
    )
    @pytest.mark.clause("LU-3.1")
    @pytest.mark.clause("WLU-3.1")
    def test_reads_the_item_and_nothing_else_of_the_mailbox(self, message, other, alice, sam):
        hers = cast.browser(User.objects.get(id=alice.user_id), recent=True)
        file = Attachment.objects.get(message=message)
        closed = {
            "its attachments": f"messages/{message.id}/attachments/{file.id}",
            "other messages": f"messages/{other.id}",
            "anything else in your mailbox": f"threads/{message.thread_id}",
        }
        rules = reading.text(hers.get(f"/inbox/messages/{message.id}/support/").text)
        (said,) = re.findall(r"They cannot read (its [^.]+)\.", rules)
        assert re.split(r", (?:or )?", said) == list(closed)
        open_to_support(alice, message)

        page = read_item(desk(sam), message).content.decode()

        assert f"{CANARY} &lt;b&gt;" in page
        assert f"{CANARY} text" in page
        assert f"{CANARY}.pdf" not in page
        assert "OTHER" not in page
        assert read_item(desk(sam), other).status_code == 403
        # The API has them for the owner; the staff site has no such address.
        browser = cast.browser(sam, mfa=True, recent=True)
        for path in closed.values():
            address = f"/v1/users/{alice.user_id}/{path}"
            assert hers.get(address).status_code != 404, address
            assert browser.get(address).status_code == 404, address

    @pytest.mark.claim("feature.support", "stored.no-copy")
    def test_makes_no_copy_by_reading(self, message, alice, sam):
        open_to_support(alice, message)
        browser = desk(sam)
        before = dump_tables()

        assert f"{CANARY} text" in read_item(browser, message).text

        assert list_changed_tables(before) <= TABLES_OF_A_RECORD

    @pytest.mark.clause("LU-3")
    @pytest.mark.claim("data-use.staff")
    def test_sees_nothing_else_of_an_account(self, mailbox, message, alice):
        colleague = make_user(
            "sam", role=Role.SUPPORT, organisation=mailbox.connection.organisation
        )
        open_to_support(alice, message)
        settings_path = f"/settings/integrations/{mailbox.id}"
        browser = cast.browser(colleague, mfa=True, recent=True)

        for path in (
            "/settings/integrations/", "/settings/access/", "/settings/activity/", "/inbox/",
            "/calendar/", "/settings/activity/entries/",
            f"/inbox/threads/{message.thread_id}/", f"/inbox/messages/{message.id}/body/",
            f"{settings_path}/", f"{settings_path}/progress/",
            f"{settings_path}/export/", f"{settings_path}/disconnect/",
            "/v1/users/me/messages", "/v1/users/me/connections", "/v1/users/me/calendars",
            f"/v1/users/{mailbox.connection.user_id}/connections", "/review/", "/metrics",
        ):  # fmt: skip
            page = browser.get(path).content.decode()
            for word in (CANARY, str(mailbox.id), str(mailbox.connection_id), "gmail.example"):
                assert word not in page, path

    @pytest.mark.claim("support.asking-recorded", "data-use.staff")
    @pytest.mark.invariant(3)
    @pytest.mark.clause("LU-3")
    def test_is_refused_what_was_not_opened_and_that_is_recorded(self, message, sam):
        answer = read_item(desk(sam), message)

        assert answer.status_code == 403
        assert CANARY.encode() not in answer.content
        refused = list_decisions("support.item")
        assert {entry["event"] for entry in refused} == {"use.refused"}
        assert all("item_consented" in entry["missing"] for entry in refused)

    @pytest.mark.clause("LU-3")
    def test_cannot_tell_what_is_closed_from_what_does_not_exist(self, message, sam):
        from accounts.ids import uuid7

        browser = desk(sam)
        closed = read_item(browser, message)
        nothing = browser.get(f"/support/items/{uuid7()}/")

        assert (closed.status_code, nothing.status_code) == (403, 403)
        assert without_tokens(closed.text) == without_tokens(nothing.text)
        assert len(list_decisions("support.item")) == 4

    @pytest.mark.claim("support.withdrawn")
    @pytest.mark.claim("support.taken-back")
    @pytest.mark.claim("support.until", "feature.support")
    @pytest.mark.clause("LU-3.1")
    @pytest.mark.invariant(5)
    def test_reads_nothing_any_more_once_the_owner_took_it_back(self, message, alice, sam):
        open_to_support(alice, message)
        browser = desk(sam)
        assert read_item(browser, message).status_code == 200

        support_access.withdraw_access(actor=alice, message_id=message.id, at=timezone.now())

        assert read_item(browser, message).status_code == 403
        assert str(message.id) not in browser.get("/support/items/").content.decode()

    @pytest.mark.claim(
        "support.until",
        "support.can-read-until",
        "support.open-until",
        "feature.support",
        "data-use.staff",
    )
    @pytest.mark.clause("LU-3.1")
    @pytest.mark.invariant(5)
    def test_reads_nothing_any_more_once_its_end_has_come(self, message, alice, sam):
        open_to_support(alice, message, hours=1, at=timezone.now() - timedelta(hours=1))

        assert read_item(desk(sam), message).status_code == 403
        assert str(message.id) not in desk(sam).get("/support/items/").content.decode()

    @pytest.mark.invariant(5)
    @pytest.mark.parametrize("how", ["withdrawn", "over", "disconnected"])
    def test_opens_nothing_with_a_permit_of_before(self, mailbox, message, alice, sam, how):
        at = timezone.now()
        open_to_support(alice, message, hours=1, at=at)
        reading = support_access.get_permitted_message(
            actor=actor_of(sam), message_id=message.id, at=at
        )
        if how == "withdrawn":
            support_access.withdraw_access(actor=alice, message_id=message.id, at=at)
        elif how == "over":
            Consent.objects.update(expires_at=at + timedelta(seconds=1))
            at += timedelta(seconds=1)
        else:
            disconnect(mailbox, at)

        with pytest.raises(Unopenable):
            support_sink.render_item(
                "console/item.html",
                reading.rows[0],
                item_id=message.id,
                permits=reading.permits,
                actor=actor_of(sam),
                shape=support_access.make_support_item_shape(reading),
                at=at,
            )

    @pytest.mark.claim("support.ends-with-mailbox")
    @pytest.mark.invariant(5)
    @pytest.mark.invariant(6)
    def test_reads_nothing_of_a_mailbox_that_was_disconnected(self, mailbox, message, alice, sam):
        open_to_support(alice, message)
        disconnect(mailbox)

        assert read_item(desk(sam), message).status_code == 403
        assert str(message.id) not in desk(sam).get("/support/items/").content.decode()
        assert Consent.objects.get(item=message.id).withdrawn_at

    @pytest.mark.claim("integrations.only-you", "status.reauth", "mail.nothing-lost")
    @pytest.mark.claim("data-use.grace")
    @pytest.mark.invariant(5)
    def test_reads_nothing_after_the_grant_has_ended(self, mailbox, message, alice, sam):
        open_to_support(alice, message)
        connection = mailbox.connection
        assert read_item(desk(sam), message).status_code == 200

        at = timezone.now()
        assert provider_credentials.record_grant_ended(
            connection_id=connection.id, epoch=connection.epoch, at=at
        )

        assert read_item(desk(sam), message).status_code == 403

    @pytest.mark.clause("AN-18")
    def test_is_not_the_owner_of_what_is_read(self, mailbox, message, alice):
        User.objects.filter(id=alice.user_id).update(role=Role.SUPPORT)
        open_to_support(alice, message)
        browser = desk(User.objects.get(id=alice.user_id))

        assert read_item(browser, message).status_code == 403
        assert str(message.id) not in browser.get("/support/items/").content.decode()

    @pytest.mark.control("3.3.1")
    def test_needs_a_second_factor(self, message, alice, sam):
        open_to_support(alice, message)

        with_factor = read_item(desk(sam), message)
        without_factor = read_item(cast.browser(sam), message)

        assert with_factor.status_code == 200
        assert f"{CANARY} text" in with_factor.content.decode()
        assert (without_factor.status_code, without_factor.url) == (302, "/accounts/mfa/")
        assert without_factor.content == b""

    @pytest.mark.control("3.3.1")
    def test_shows_a_second_factor_that_is_set_up_before_the_item(self, message, alice, sam):
        open_to_support(alice, message)
        cast.security_key(sam)

        answer = read_item(cast.browser(sam), message)

        form = f"/accounts/mfa/reauthenticate/?next=/support/items/{message.id}/"
        assert (answer.status_code, unquote(answer.url)) == (302, form)
        assert read_item(desk(sam), message).status_code == 200

    @pytest.mark.clause("LU-3")
    @pytest.mark.parametrize(
        ("role", "status"), [(Role.MEMBER, 302), (Role.REVIEWER, 403), (Role.OPERATOR, 403)]
    )
    def test_is_nobody_of_another_role(self, message, alice, role, status):
        """A member is not even signed in: the database shows the staff site no such person."""
        open_to_support(alice, message)
        user = make_agent(role=role)

        assert read_item(desk(user), message).status_code == status
        # Nor by another way in than the page.
        with pytest.raises(AccessRefused) as caught:
            support_permits.to_show_message(
                actor=actor_of(user), message_id=message.id, at=timezone.now()
            )
        assert Fact.ITEM_CONSENTED in caught.value.decision.missing

    @pytest.mark.clause("LU-3.1")
    def test_reads_nothing_under_words_that_have_changed(self, message, alice, sam, monkeypatch):
        from dataclasses import replace

        open_to_support(alice, message)
        monkeypatch.setitem(FEATURES, "support", replace(FEATURES["support"], version=VERSION + 1))

        assert read_item(desk(sam), message).status_code == 403

    def test_reads_nothing_that_anybody_but_the_owner_agreed_to(self, message, sam):
        stranger = make_mailbox("mallory").connection
        consents.give(
            person_id=stranger.user_id,
            organisation_id=stranger.organisation_id,
            feature="support",
            version=VERSION,
            item=message.id,
            expires_at=timezone.now() + timedelta(hours=1),
            at=timezone.now(),
        )

        assert read_item(desk(sam), message).status_code == 403

    @pytest.mark.scenario("O3")
    @pytest.mark.invariant(4)
    def test_leaves_nothing_of_it_in_the_log(self, message, alice, sam, caplog):
        open_to_support(alice, message)
        with caplog.at_level("DEBUG"):
            read_item(desk(sam), message)

        assert CANARY not in caplog.text


class TestOwn:
    def test_is_found_only_by_its_owner_and_while_it_lives(self, mailbox, message, alice, sam):
        assert support_access.get_own_message(actor=alice, message_id=message.id) == message
        with pytest.raises(mail.ObjectNotFound):
            support_access.get_own_message(actor=actor_of(sam), message_id=message.id)
        disconnect(mailbox)
        with pytest.raises(mail.ObjectNotFound):
            support_access.get_own_message(actor=alice, message_id=message.id)
