"""Two scopes on the consent page, and each way to tick them, through the whole flow."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from integrations.models import AttemptOutcome, Connection, Integration, IntegrationStatus
from integrations.providers import PROVIDERS
from integrations.providers.provider_definition import ProviderCapability, ProviderScope
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES
from tests.factories import as_agreed
from tests.integrations.google import query_of
from tests.integrations.pages import reading
from tests.worlds.sandbox import GMAIL_READONLY

SEND = "https://www.googleapis.com/auth/gmail.send"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.scenario("A5"),
    pytest.mark.clause("SCOPE-GRANT", "AN-1"),
    pytest.mark.invariant(11),
]


@pytest.fixture(autouse=True)
def composer(google, monkeypatch):
    """Register a second capability of Google's and a feature that needs it, as a product would."""
    sending = ProviderCapability("mail.send", (ProviderScope(SEND, "To send mail"),))
    capabilities = {**PROVIDERS["google"].capabilities, sending.key: sending}
    provider = replace(PROVIDERS["google"], capabilities=MappingProxyType(capabilities))
    monkeypatch.setitem(PROVIDERS, "google", provider)
    feature = replace(
        FEATURES["inbox"],
        key="composer",
        title="Composer",
        capabilities=frozenset({"mail.send"}),
        retention_days=None,
    )
    monkeypatch.setitem(FEATURES, feature.key, feature)
    return feature


def connect(browser, google, *untick):
    address = browser.begin(version=as_agreed("inbox", "composer"))
    assert {GMAIL_READONLY, SEND} <= set(query_of(address)["scope"].split())
    browser.arrive(google.consent(address, email="alice.box@example.com", untick=untick))
    return browser.attempt().outcome


def list_agreed_features():
    return set(Consent.objects.filter(withdrawn_at=None).values_list("feature", flat=True))


class TestAConsentOfSeveralScopes:
    def test_is_to_every_feature_when_everything_is_ticked(self, browser_of, alice, google):
        assert connect(browser_of(alice), google) == AttemptOutcome.CONNECTED

        assert list_agreed_features() == {"inbox", "composer"}

    def test_without_one_is_to_the_other_feature_alone_and_said(self, browser_of, alice, google):
        browser = browser_of(alice)

        outcome = connect(browser, google, SEND)

        assert outcome == AttemptOutcome.CONNECTED_PARTLY
        assert list_agreed_features() == {"inbox"}
        assert Integration.objects.get().status == IntegrationStatus.SYNCING
        assert SEND not in Connection.objects.get().granted_scopes
        page = browser.client.get("/settings/integrations/").content.decode()
        assert "Google has not given Antares permission: To send mail" in reading.text(page)
        assert SEND not in page

    def test_without_mail_keeps_no_copy_though_the_rest_is_agreed(self, browser_of, alice, google):
        outcome = connect(browser_of(alice), google, GMAIL_READONLY)

        assert outcome == AttemptOutcome.CONNECTED_WITHOUT_PRODUCT
        assert list_agreed_features() == {"composer"}
        assert not Integration.objects.exists()

    def test_without_any_is_to_nothing(self, browser_of, alice, google):
        outcome = connect(browser_of(alice), google, GMAIL_READONLY, SEND)

        assert outcome == AttemptOutcome.CONNECTED_WITHOUT_PRODUCT
        assert list_agreed_features() == set()

    def test_is_complete_once_the_missing_one_is_given(self, browser_of, alice, google):
        browser = browser_of(alice)
        connect(browser, google, SEND)

        assert connect(browser, google) == AttemptOutcome.CONNECTED

        assert list_agreed_features() == {"inbox", "composer"}
        assert Integration.objects.count() == 1
