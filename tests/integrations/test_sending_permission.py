"""The permission to send, asked for in context at the provider, and the way back to the message."""

from __future__ import annotations

import pytest

from integrations.models import (
    AttemptOutcome,
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
)
from integrations.providers import PROVIDERS
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES
from tests.factories import as_agreed
from tests.integrations.google import ALICE_BOX, query_of
from tests.integrations.pages.reading import text
from tests.worlds.sandbox import GMAIL_READONLY

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(11)]
SETTINGS = "/settings/integrations/"
SENDING_SCOPES = PROVIDERS["google"].capabilities["mail.send"].scopes
NOT_READING = tuple(SENDING_SCOPES - {GMAIL_READONLY})


@pytest.fixture
def browser(browser_of, alice):
    browser = browser_of(alice)
    browser.connect()
    Integration.objects.update(status=IntegrationStatus.ACTIVE)
    return browser


@pytest.fixture
def mailbox(browser):
    return Integration.objects.get(product="mail")


def ask(browser, mailbox, **values):
    """Press the button on the page that asks; return the address of the consent page."""
    return browser.begin(
        mailbox.connection,
        product="mail",
        feature="mail-sending",
        version=as_agreed("mail-sending"),
        **{"next": build_next(mailbox)} | values,
    )


def build_next(mailbox):
    return f"/inbox/compose/?mailbox={mailbox.id}"


def come_back(browser, google, address, **answer):
    return browser.arrive(google.consent(address, email=ALICE_BOX, **answer))


def has_agreed():
    return Consent.objects.filter(feature="mail-sending", withdrawn_at=None).exists()


class TestSendingPermission:
    def test_is_asked_for_beside_what_is_connected(self, browser, mailbox):
        requested = set(query_of(ask(browser, mailbox))["scope"].split())

        assert requested >= SENDING_SCOPES
        assert GMAIL_READONLY in requested

    def test_leads_back_to_the_message(self, browser, mailbox, google):
        answer = come_back(browser, google, ask(browser, mailbox))

        assert (answer.status_code, answer["Location"]) == (303, build_next(mailbox))
        assert has_agreed()
        assert browser.client.get(answer["Location"]).status_code == 200
        # Nothing is left to say on the settings page.
        assert "fewer permissions" not in text(browser.client.get(SETTINGS).text)

    @pytest.mark.claim("sending.nothing-changed", "sending.reading-continues")
    def test_says_that_nothing_else_changed_if_it_is_not_granted(self, browser, mailbox, google):
        address = ask(browser, mailbox)

        answer = come_back(browser, google, address, untick=NOT_READING)

        assert answer["Location"].startswith("/inbox/sending/allow/?")
        page = browser.client.get(answer["Location"]).text
        assert "Google did not grant the permission to send." in text(page)
        assert "Nothing else changed: you can read your mail as before." in text(page)
        assert f'name="next" value="{build_next(mailbox)}"' in page
        mailbox.refresh_from_db()
        assert mailbox.is_live
        assert not has_agreed()
        assert browser.client.get("/inbox/").status_code == 200

    def test_says_the_same_if_the_person_declines(self, browser, mailbox, google):
        answer = come_back(browser, google, ask(browser, mailbox), deny=True)

        assert answer["Location"].startswith("/inbox/sending/allow/?")
        assert browser.attempt().outcome == AttemptOutcome.DENIED
        assert Connection.objects.get().status == ConnectionStatus.ACTIVE
        assert not has_agreed()

    def test_leads_to_settings_after_another_connect(self, browser, mailbox, google):
        ask(browser, mailbox)

        answer = come_back(browser, google, browser.begin(mailbox.connection))

        assert answer["Location"] == SETTINGS
        later = come_back(browser, google, browser.begin(mailbox.connection))
        assert later["Location"] == SETTINGS

    @pytest.mark.parametrize(
        "url", ["https://evil.example/", "//evil.example", "/accounts/logout/", ""]
    )
    def test_leads_to_no_other_page(self, browser, mailbox, google, url):
        answer = come_back(browser, google, ask(browser, mailbox, next=url))

        assert answer["Location"] == f"/inbox/sending/allow/?mailbox={mailbox.id}"
        assert "Sending is allowed" in text(browser.client.get(answer["Location"]).text)

    def test_needs_an_account(self, browser, mailbox):
        answer = browser.client.post(
            f"{SETTINGS}connect/google/begin",
            {
                "agree": "yes",
                "product": "mail",
                "feature": "mail-sending",
                "version": f"mail-sending:{FEATURES['mail-sending'].version}",
            },
        )

        assert answer.status_code == 404
