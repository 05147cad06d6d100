"""The demo's mail, read by the service as in the demo: sixty conversations, worth reading."""

from __future__ import annotations

import orjson
import pytest
from django.utils import timezone

from config.embedded import sandbox_seed
from integrations import mail
from integrations.mail import MailFilters, RequestContext
from integrations.models import SetAside
from tests.integrations import household as houses
from tests.integrations.sync.test_sandbox import google

__all__ = ["google"]


def list_inbox(house):
    """Return all threads of the inbox, page by page."""
    context, threads, cursor = RequestContext(house.actor, house.user.id, timezone.now()), [], ""
    while cursor is not None:
        page = orjson.loads(
            mail.list_threads(context, MailFilters(folder="inbox"), cursor=cursor or None)
        )
        threads += page["data"]
        cursor = page["next_cursor"]
    return threads


@pytest.mark.django_db(transaction=True)
class TestDemoMailbox:
    def test_becomes_sixty_threads_of_the_inbox_and_nothing_is_set_aside(self, google):
        account = dict(sandbox_seed.build_demo_seed(timezone.now())["accounts"][0])
        google.dial(units_per_minute=0, concurrency=0)
        address = account.pop("email")
        google.seed(address, **account)
        granted = google.authorize(address)
        house = houses.household(
            account=address, tokens=(granted["access_token"], granted["refresh_token"])
        )

        house.settle()

        threads = list_inbox(house)
        by_subject = {thread["subject"]: thread for thread in threads}
        agreement = by_subject["Re: Framework agreement with Contoso"]
        assert len(threads) == 60
        assert house.messages.count() == len(account["messages"])
        assert not SetAside.objects.exists()
        assert agreement["message_count"] == 9
        assert agreement["has_attachments"]
