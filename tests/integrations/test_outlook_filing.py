"""Flags, categories, importance and reading marks that change at Outlook, as page and API show."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from django.test import Client
from django.utils import timezone

from integrations.models import Message, SyncWork
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine
from tests.integrations.microsoft import MicrosoftConnectBrowser, microsoft
from tests.integrations.pages import reading
from tests.worlds.microsoft import MAIL, graph_id

__all__ = ["microsoft"]

pytestmark = pytest.mark.django_db(transaction=True)
BOX = "filing@contoso.example"


@dataclass(frozen=True)
class Filing:
    """How one message is filed."""

    unread: bool = True
    starred: bool = False
    important: bool = False
    labels: tuple[str, ...] = ()


#: What a client of the person's changes, and how the message is filed from then on.
STEPS = (
    ({"isRead": True}, {"unread": False}),
    ({"flag": {"flagStatus": "flagged"}}, {"starred": True}),
    # The first is on the person's list of categories, the second is not.
    ({"categories": ["Taxes"]}, {"labels": ("Taxes",)}),
    ({"categories": ["Taxes", "Blue category"]}, {"labels": ("Blue category", "Taxes")}),
    ({"importance": "high"}, {"important": True}),
    ({"categories": ["Blue category"]}, {"labels": ("Blue category",)}),
    ({"categories": []}, {"labels": ()}),
    ({"importance": "low"}, {"important": False}),
    ({"flag": {"flagStatus": "complete"}}, {"starred": False}),
    ({"flag": {"flagStatus": "flagged"}}, {"starred": True}),
    ({"flag": {"flagStatus": "notFlagged"}}, {"starred": False}),
    ({"isRead": False}, {"unread": True}),
    ({"isRead": True, "categories": ["Taxes"]}, {"unread": False, "labels": ("Taxes",)}),
)


def sync_until_idle() -> None:
    is_due = True
    while is_due:
        SyncWork.objects.update(next_sync_at=timezone.now(), lease_by=None, lease_until=None)
        is_due = sync_engine.run_sync_turn(
            PRODUCTS, work_id=SyncWork.objects.get().id, at=timezone.now()
        )


def of_row() -> Filing:
    row = Message.objects.get()
    return Filing(row.is_unread, row.is_starred, "important" in row.folders)


def of_api(client: Client) -> Filing:
    (found,) = client.get("/v1/users/me/messages").json()["data"]
    important = "important" in found["folders"]
    return Filing(found["unread"], found["starred"], important, tuple(found["labels"]))


def of_pages(client: Client) -> Filing:
    inbox = client.get("/inbox/").text
    page = client.get(f"/inbox/threads/{Message.objects.get().thread_id}/").text
    badges = reading.text(" ".join(page.split('class="message-to small"')[1:])[:600])
    names = ("Taxes", "Blue category")
    return Filing(
        "Unread: " in reading.text(inbox),
        "starred, " in inbox,
        "Important" in badges,
        tuple(sorted(name for name in names if name in badges)),
    )


def is_read(request) -> bool:
    """Return whether a request asked for the content of messages, by properties or as MIME."""
    return "internetMessageHeaders" in request["query"] or request["path"].endswith("$value")


class TestAMessageThatIsFiledAnewAtOutlook:
    @pytest.mark.parametrize("partial", [False, True], ids=["whole items", "partial items"])
    def test_is_so_in_its_row_the_api_and_the_pages(self, alice, microsoft, partial):
        oid = microsoft.seed(BOX, size=0, labels=["Taxes"])["oid"]
        message = graph_id(oid, microsoft.deliver(BOX)["id"])
        browser = MicrosoftConnectBrowser(alice, microsoft)
        browser.connect(BOX)
        sync_until_idle()
        microsoft.sandbox.dial(graph_partial_changes=partial)
        microsoft.sandbox.clear_journal()
        expected = of_row()
        assert expected == Filing()

        with microsoft.graph(microsoft.authorize(BOX, MAIL)["access_token"]) as mine:
            for changed, then in STEPS:
                mine.patch(f"/me/messages/{message}", json=changed).raise_for_status()
                sync_until_idle()

                expected = replace(expected, **then)
                assert replace(of_row(), labels=expected.labels) == expected, changed
                assert of_api(browser.client) == expected, changed
                assert of_pages(browser.client) == expected, changed
        assert not [one for one in microsoft.sandbox.requests("/v1.0/me/messages") if is_read(one)]
