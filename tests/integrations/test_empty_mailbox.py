"""An account whose mailbox holds no message: imported at once, and nothing is wrong with it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from integrations.connections import status_messages
from integrations.models import SyncWork
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine
from tests.integrations import microsoft as at_microsoft
from tests.integrations.microsoft import microsoft
from tests.integrations.pages import reading

__all__ = ["microsoft"]

pytestmark = pytest.mark.django_db(transaction=True)
SETTINGS = "/settings/integrations/"


def heading(client) -> str:
    (card,) = reading.cards(client.get(SETTINGS).text)
    return reading.text(card)


def sync_and_read_headings(client) -> list[str]:
    """Have turns until none is due, and two more; return the card after each."""
    seen = [heading(client)]
    more = 2
    while more:
        SyncWork.objects.update(next_sync_at=timezone.now(), lease_by=None, lease_until=None)
        is_due = sync_engine.run_sync_turn(
            PRODUCTS, work_id=SyncWork.objects.get().id, at=timezone.now()
        )
        seen.append(heading(client))
        more -= not is_due
    return seen


class TestAnEmptyMailbox:
    def test_of_gmail_is_never_headed_works_partly(self, browser_of, alice, google):
        google.seed("empty@example.com", size=0)
        browser = browser_of(alice)
        browser.connect("empty@example.com")

        seen = sync_and_read_headings(browser.client)

        assert all(str(status_messages.STATUS["degraded"].label) not in card for card in seen), seen

    def test_of_outlook_is_never_headed_works_partly(self, alice, microsoft):
        microsoft.seed("empty@contoso.example", size=0)
        browser = at_microsoft.MicrosoftConnectBrowser(alice, microsoft)
        browser.connect("empty@contoso.example")

        seen = sync_and_read_headings(browser.client)

        assert all(str(status_messages.STATUS["degraded"].label) not in card for card in seen), seen


class TestACursorThatIsForgotten:
    """Google forgets where a mailbox stood; of one without changes it may have nothing to know."""

    def test_of_an_empty_mailbox_is_nothing_that_its_owner_is_told(self, browser_of, alice, google):
        google.seed("empty@example.com", size=0)
        browser = browser_of(alice)
        browser.connect("empty@example.com")
        sync_and_read_headings(browser.client)
        google.expire_history("empty@example.com")

        seen = sync_and_read_headings(browser.client)

        assert all(str(status_messages.STATUS["degraded"].label) not in card for card in seen), seen

    def test_each_time_is_not_either(self, browser_of, alice, google):
        google.seed("empty@example.com", size=0)
        browser = browser_of(alice)
        browser.connect("empty@example.com")
        google.fail_next(50, path_prefix="/gmail/v1/users/me/history", problem="not_found")

        seen = sync_and_read_headings(browser.client)

        assert all(str(status_messages.STATUS["degraded"].label) not in card for card in seen), seen
        assert str(status_messages.STATUS["active"].says) in seen[-1]
