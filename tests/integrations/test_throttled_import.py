"""A first import that the provider slows down, in words: what waits, and when it goes on."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.connections import status_messages
from integrations.models import Integration, IntegrationStatus, Message, QuotaBucket, SyncWork
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine
from tests.integrations import microsoft as at_microsoft
from tests.integrations.microsoft import microsoft
from tests.integrations.pages import reading

__all__ = ["microsoft"]

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT = {
    "status": 429,
    "body": "{}",
    "headers": {"Retry-After": "90"},
}
SIZE = 30


def run_turn() -> bool:
    SyncWork.objects.update(next_sync_at=timezone.now(), lease_by=None, lease_until=None)
    return sync_engine.run_sync_turn(PRODUCTS, work_id=SyncWork.objects.get().id, at=timezone.now())


def card_of(client) -> str:
    (card,) = reading.cards(client.get("/settings/integrations/").text)
    return reading.text(card)


def details_of(client) -> str:
    integration = Integration.objects.get()
    return reading.text(client.get(reverse("settings-details", args=[integration.id])).text)


def compile_throttle_text(label: str) -> re.Pattern[str]:
    """Return what says that `label` slows the import down, and when it goes on."""
    return re.compile(
        rf"{label} limits how fast mail can be read\. The import continues automatically\."
        r" Next try: in (less than a minute|\d+ minutes?)\."
    )


@pytest.fixture
def gmail(browser_of, alice, google):
    google.seed("large@example.com", size=SIZE, days=30, malformed=0, hostile=0)
    browser = browser_of(alice)
    browser.connect("large@example.com")
    return browser.client


@pytest.fixture
def outlook(alice, microsoft):
    microsoft.seed("large@contoso.example", size=SIZE, days=30, malformed=0, hostile=0)
    browser = at_microsoft.MicrosoftConnectBrowser(alice, microsoft)
    browser.connect("large@contoso.example")
    return browser.client


def check_words(client, label: str, sandbox) -> None:
    assert compile_throttle_text(label).search(card_of(client)), card_of(client)
    assert compile_throttle_text(label).search(details_of(client))
    assert str(status_messages.STATUS[IntegrationStatus.SYNCING].label) in card_of(client)
    (connection,) = client.get("/v1/users/me/connections").json()["data"]
    (integration,) = connection["integrations"]
    assert integration["status"] == "syncing"
    assert integration["sync"]["pause_reason"] == "rate_limited"
    assert integration["sync"]["next_sync_at"] > timezone.now().isoformat()

    sandbox.clear_faults()
    QuotaBucket.objects.all().delete()
    while run_turn():
        pass

    assert Message.objects.exists()
    assert "limits how fast" not in card_of(client)
    assert str(status_messages.STATUS[IntegrationStatus.ACTIVE].says) in card_of(client)


class TestAnImportThatIsSlowedDown:
    def test_by_google_says_so_and_when_it_goes_on(self, gmail, google):
        google.fail_next(100, path_prefix="/gmail/v1/users/me/messages/", **LIMIT)
        google.fail_next(100, path_prefix="/gmail/v1/users/me/threads/", **LIMIT)
        run_turn()

        check_words(gmail, "Google", google)

    def test_by_microsoft_says_so_and_when_it_goes_on(self, outlook, microsoft):
        microsoft.sandbox.fail_next(100, path_prefix="/v1.0/me/messages", **LIMIT)
        run_turn()

        check_words(outlook, "Microsoft", microsoft.sandbox)

    def test_by_our_own_share_of_its_limit_says_the_same(self, gmail, google, settings):
        settings.GMAIL_UNITS_PER_MINUTE = 60
        QuotaBucket.objects.update_or_create(
            connection_id=Integration.objects.get().connection_id,
            defaults={
                "units": 10,
                "counted_at": timezone.now(),
                "parked_until": timezone.now() + timedelta(seconds=60),
            },
        )
        run_turn()
        assert compile_throttle_text("Google").search(card_of(gmail)), card_of(gmail)
        settings.GMAIL_UNITS_PER_MINUTE = 0

        check_words(gmail, "Google", google)
