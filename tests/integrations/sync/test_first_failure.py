"""A connect after which nothing can be read: it never says that all is well."""

from __future__ import annotations

import pytest
from django.utils import timezone

from integrations.models import Integration, Message, SetAside, SyncWork
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine
from tests.integrations.google import ALICE_BOX, acme, alice, browser_of, google

__all__ = ["acme", "alice", "browser_of", "google"]

GMAIL = "/gmail/v1/users/me"
FAILURES = {
    "forbidden": {"problem": "access_not_configured"},
    "down": {"status": 500, "body": "{}"},
}


def run_turn():
    SyncWork.objects.update(next_sync_at=timezone.now(), lease_by=None, lease_until=None)
    return sync_engine.run_sync_turn(PRODUCTS, work_id=SyncWork.objects.get().id, at=timezone.now())


@pytest.mark.django_db(transaction=True)
@pytest.mark.scenario("S9")
class TestAReadPathThatIsBroken:
    @pytest.mark.parametrize("failure", FAILURES)
    def test_is_seen_at_the_first_failure_on_the_page_and_in_the_api(
        self, browser_of, alice, google, failure
    ):
        google.seed(ALICE_BOX, size=6, days=30)
        # Consent, token, profile and listing all work: only the messages do not come.
        for path in ("messages/", "threads/"):
            google.fail_next(500, path_prefix=f"{GMAIL}/{path}", **FAILURES[failure])
        browser = browser_of(alice)
        browser.connect()

        run_turn()
        page = browser.client.get("/settings/integrations/").content.decode()
        answer = browser.client.get("/v1/users/me/connections").json()

        assert google.calls("gmail.users.messages.list") >= 1
        assert Message.objects.count() == 0
        assert Integration.objects.get().status != "active"
        assert "The last check failed." in page or "next try" in page
        shown = answer["data"][0]["integrations"][0]
        assert shown["status"] != "active"
        assert shown["sync"]["failing_since"] is not None
        assert shown["sync"]["next_sync_at"] is not None

    def test_is_over_once_messages_come(self, browser_of, alice, google):
        google.seed(ALICE_BOX, size=6, days=30)
        for path in ("messages/", "threads/"):
            google.fail_next(9, path_prefix=f"{GMAIL}/{path}", **FAILURES["down"])
        browser = browser_of(alice)
        browser.connect()
        run_turn()

        google.clear_faults()
        # As if the time of the next try had come.
        SetAside.objects.update(next_try_at=timezone.now())
        while run_turn():
            pass
        page = browser.client.get("/settings/integrations/").content.decode()

        assert Message.objects.count() == google.mailbox(ALICE_BOX)["listedTotal"]
        assert Integration.objects.get().status == "active"
        assert "did not succeed" not in page
