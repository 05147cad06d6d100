"""To allow sending in context, the choices for sending, and what scripts of the form ask for."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import Membership
from integrations.connections import consents
from integrations.formats.mime.addresses import MailAddress
from integrations.models import (
    ConnectAttempt,
    IntegrationStatus,
    OutboxCommand,
    SendingSettings,
)
from integrations.providers import errors
from integrations.providers.outgoing_mail import SendAddress
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES
from tests.api import cast
from tests.fakes.mail import FakeMailbox
from tests.integrations import household as houses
from tests.integrations.outbox import sending
from tests.integrations.outbox.sending import Clock
from tests.integrations.pages.reading import text

pytestmark = pytest.mark.django_db(transaction=True)
ALLOW = "/inbox/sending/allow/"
VERSION = FEATURES["mail-sending"].version


@pytest.fixture
def mailbox(monkeypatch):
    return houses.provided(monkeypatch, FakeMailbox(email="alice@gmail.example"))


@pytest.fixture
def reader(db, mailbox):
    """Alice, who has connected her mailbox to read it."""
    return houses.household()


@pytest.fixture
def alice(reader):
    return reader


@pytest.fixture
def sender(alice):
    consents.agree_in_context(
        feature="mail-sending",
        version=VERSION,
        user_id=alice.user.id,
        organisation_id=alice.organisation.id,
        at=timezone.now(),
    )
    return sending.allow_sending(alice)


def has_agreed(alice):
    return Consent.objects.filter(owner_id=alice.user.id, feature="mail-sending").exists()


def begin(browser, alice, **values):
    return browser.post(
        "/settings/integrations/connect/google/begin",
        {
            "feature": "mail-sending",
            "product": "mail",
            "connection": str(alice.connection.id),
            "version": f"mail-sending:{VERSION}",
            "agree": "yes",
            "next": f"/inbox/compose/?mailbox={alice.integration.id}",
        }
        | values,
    )


class TestAllowSending:
    def test_says_what_it_asks_for_and_that_reading_continues(self, alice, her_browser):
        page = her_browser.get(ALLOW, {"mailbox": alice.integration.id})

        words = text(page.text)
        assert "asks your provider to send it, once" in words
        assert "You can read your mail in Antares whether or not you allow this." in words
        assert "gmail.compose" in words
        assert f'value="mail-sending:{VERSION}"' in page.text

    def test_needs_the_agreement_to_this_version(self, alice, her_browser):
        for values in ({"agree": ""}, {"version": "mail-sending:999"}, {"version": "inbox:1"}):
            answer = begin(her_browser, alice, **values)
            assert answer["Location"].startswith(f"{ALLOW}?mailbox={alice.integration.id}")
        assert not ConnectAttempt.objects.filter(user_id=alice.user.id).exists()

    def test_records_the_agreement_alone_if_the_scope_is_granted(self, alice, her_browser):
        sending.allow_sending(alice)
        url = f"/inbox/compose/?mailbox={alice.integration.id}"
        asked = her_browser.get(url)
        assert asked["Location"].startswith(ALLOW)
        assert "has already granted" in text(her_browser.get(asked["Location"]).text)
        form = {"mailbox": str(alice.integration.id), "next": url}

        her_browser.post(ALLOW, {**form, "version": str(VERSION)})
        her_browser.post(ALLOW, {**form, "version": "999", "agree": "yes"})
        assert not has_agreed(alice)
        answer = her_browser.post(ALLOW, {**form, "version": str(VERSION), "agree": "yes"})

        assert (answer.status_code, answer["Location"]) == (303, url)
        assert has_agreed(alice)
        assert her_browser.get(url).status_code == 200

    def test_does_not_agree_without_the_scope(self, alice, her_browser):
        form = {"mailbox": str(alice.integration.id), "version": str(VERSION), "agree": "yes"}

        her_browser.post(ALLOW, form)

        assert not has_agreed(alice)

    @pytest.mark.parametrize(
        "url", ["https://evil.example/", "//evil.example/inbox/compose/", "/accounts/logout/", "x"]
    )
    def test_leads_to_no_other_page(self, sender, her_browser, url):
        answer = her_browser.get(ALLOW, {"mailbox": sender.integration.id, "next": url})

        assert answer.status_code == 200
        assert "evil" not in answer.text

    def test_asks_to_reconnect_first(self, alice, her_browser):
        alice.integration.status = IntegrationStatus.REAUTH_REQUIRED
        alice.integration.save(update_fields=["status"])

        page = her_browser.get(ALLOW, {"mailbox": alice.integration.id})

        assert "Reconnect it first" in text(page.text)
        assert 'name="agree"' not in page.text

    def test_is_of_own_mailboxes_alone(self, alice):
        stranger = cast.browser(houses.household(who=houses.person(at=timezone.now())).user)

        assert stranger.get(ALLOW, {"mailbox": alice.integration.id}).status_code == 404
        assert begin(stranger, alice).status_code == 404


class TestSettings:
    def save(self, browser, alice, **values):
        return browser.post(f"/settings/integrations/{alice.integration.id}/sending/", values)

    def show(self, browser, alice):
        return browser.get(f"/settings/integrations/{alice.integration.id}/details/").text

    def test_are_saved_sealed_and_used(self, sender, mailbox, her_browser):
        mailbox.send_addresses.append(
            SendAddress(MailAddress("", "alice@gmail.example"), "of Gmail", is_default=True)
        )

        answer = self.save(her_browser, sender, undo_seconds="30", signature="</textarea>Best, A")

        assert answer.status_code == 302
        page = self.show(her_browser, sender)
        assert "&lt;/textarea&gt;Best, A" in page
        assert '<option value="30" selected>' in page
        her_browser.post("/inbox/compose/", {"to": "bob@example.test", "text": "Hello"})
        command = OutboxCommand.objects.get()
        assert (command.undo_until - command.created_at).seconds == 30
        sending.dispatch_until_settled(command, Clock())
        (sent,) = [entry for entry in mailbox.messages.values() if "SENT" in entry.label_ids]
        assert b"Best, A" in sent.content
        assert b"of Gmail" not in sent.content

    def test_empty_signature_is_the_providers(self, sender, her_browser):
        self.save(her_browser, sender, undo_seconds="5", signature="Mine")
        self.save(her_browser, sender, undo_seconds="20", signature=" \n ")

        settings = SendingSettings.objects.get()
        assert (settings.undo_seconds, settings.signature) == (20, None)

    @pytest.mark.parametrize(
        "values",
        [
            {"undo_seconds": "7", "signature": ""},
            {"undo_seconds": "", "signature": ""},
            {"undo_seconds": "5", "signature": "x" * 4_001},
        ],
    )
    def test_refuse_what_is_not_offered(self, sender, her_browser, values):
        self.save(her_browser, sender, **values)

        assert not SendingSettings.objects.exists()
        assert "Not saved." in text(self.show(her_browser, sender))

    def test_lead_to_the_question_before_sending_is_allowed(self, alice, her_browser):
        page = self.show(her_browser, alice)

        assert f"{ALLOW}?mailbox={alice.integration.id}" in page
        assert 'name="signature"' not in page
        assert self.save(her_browser, alice, undo_seconds="5", signature="x").status_code == 403

    def test_are_the_owners_alone(self, sender):
        stranger = cast.browser(houses.household(who=houses.person(at=timezone.now())).user)

        assert self.save(stranger, sender, undo_seconds="5").status_code == 404


class TestCompletion:
    def list(self, browser):
        answer = browser.get("/inbox/compose/addresses/")
        (found,) = answer.json()["lists"]
        return [(entry["name"], entry["address"]) for entry in found["addresses"]]

    def test_ranks_own_correspondents_and_adds_colleagues(self, alice, mailbox, her_browser):
        for number in range(3):
            mailbox.deliver(mail("Often <often@example.test>", number=number))
        mailbox.deliver(mail("Once <once@example.test>", number=9))
        alice.settle()
        bob, *_ = houses.person("bob", alice.organisation, at=timezone.now())
        cast.verified(bob)

        found = self.list(her_browser)

        assert found[0] == ("Often", "often@example.test")
        assert ("Once", "once@example.test") in found
        assert found[-1] == (bob.name, bob.email)

    def test_is_empty_without_mail_and_has_no_strangers(self, alice, her_browser):
        cast.verified(houses.person("mallory", at=timezone.now())[0])
        left, _, membership = houses.person("left", alice.organisation, at=timezone.now())
        cast.verified(left)
        Membership.objects.filter(id=membership.id).update(left_at=timezone.now())

        assert self.list(her_browser) == []

    def test_is_not_for_features(self, alice, mailbox):
        live = cast.switch_on(alice, cast.widget())
        feature = cast.feature(cast.widget(), live)

        assert feature.get("/inbox/compose/addresses/").status_code == 302


class TestSenders:
    def ask(self, browser, alice):
        return browser.get("/inbox/compose/senders/", {"mailbox": alice.integration.id})

    def test_are_the_addresses_of_the_account(self, sender, mailbox, her_browser):
        mailbox.send_addresses += [
            SendAddress(MailAddress("Alice", "alice@gmail.example"), "", is_default=True),
            SendAddress(MailAddress("Sales", "sales@shop.example"), "", is_default=False),
        ]

        addresses = self.ask(her_browser, sender).json()["addresses"]

        assert [entry["address"] for entry in addresses] == [
            "alice@gmail.example",
            "sales@shop.example",
        ]

    def test_are_none_while_the_provider_does_not_answer(self, sender, mailbox, her_browser):
        mailbox.failing["send_addresses"] = errors.Unavailable("no")

        assert self.ask(her_browser, sender).json() == {"addresses": []}

    def test_are_not_asked_for_before_sending_is_allowed(self, alice, mailbox, her_browser):
        assert self.ask(her_browser, alice).json() == {"addresses": []}
        assert "send_addresses" not in mailbox.calls

    def test_are_the_owners_alone(self, sender):
        stranger = cast.browser(houses.household(who=houses.person(at=timezone.now())).user)

        assert self.ask(stranger, sender).status_code == 404


def mail(sender, *, number):
    return (
        f"From: {sender}\r\nTo: alice@gmail.example\r\nSubject: {number}\r\n"
        f"Message-ID: <{number}@example.test>\r\n\r\nHello"
    ).encode()
