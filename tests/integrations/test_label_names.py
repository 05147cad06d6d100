"""Labels that are renamed, added and deleted at the provider, as pages and the API show them."""

from __future__ import annotations

import io
import zipfile

import httpx
import pytest
from django.utils import timezone

from accounts import row_owner
from config.process_classes import ProcessClass
from integrations.mail import mailbox_export
from integrations.models import Integration, SyncWork, Thread
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine
from tests.factories import actor_for
from tests.integrations import microsoft as at_microsoft
from tests.integrations.google import ALICE_BOX
from tests.integrations.microsoft import microsoft
from tests.integrations.pages import reading
from tests.walls import acting_as
from tests.worlds.microsoft import MAIL, graph_id

__all__ = ["microsoft"]

pytestmark = pytest.mark.django_db(transaction=True)
FOLDERS_BOX = "folders@contoso.example"
LABELS_SCOPE = "openid email https://www.googleapis.com/auth/gmail.labels"


def sync_until_idle() -> None:
    is_due = True
    while is_due:
        SyncWork.objects.update(next_sync_at=timezone.now(), lease_by=None, lease_until=None)
        is_due = sync_engine.run_sync_turn(
            PRODUCTS, work_id=SyncWork.objects.get().id, at=timezone.now()
        )


def list_shown_labels(client) -> list[str]:
    """Return the labels that the API lists; a conversation's page shows the same."""
    listed = client.get("/v1/users/me/messages").json()["data"]
    labels = sorted({label for message in listed for label in message["labels"]})
    pages = [client.get(f"/inbox/threads/{thread.id}/") for thread in Thread.objects.all()]
    assert {page.status_code for page in pages} <= {200}
    badges = " ".join(reading.text(page.text) for page in pages)
    assert all(label in badges for label in labels)
    return labels


class TestALabelOfGmail:
    @pytest.fixture
    def labels(self, google, settings):
        """Return the labels of the mailbox, as its person reaches them at Google."""
        google.seed(ALICE_BOX, size=0, labels=["Taxes", "Travel"])
        callback = f"{settings.PUBLIC_URL}/connect/google/callback"
        granted = google.authorize(ALICE_BOX, LABELS_SCOPE, redirect_uri=callback)
        bearer = {"Authorization": f"Bearer {granted['access_token']}"}
        url = f"{google.url}/gmail/v1/users/me"
        with httpx.Client(base_url=url, headers=bearer) as client:
            yield client

    @pytest.fixture
    def client(self, browser_of, alice, google, labels):
        for names in (["Label_1"], ["Label_1", "Label_2"], []):
            google.deliver(ALICE_BOX, labels=["INBOX", *names])
        browser = browser_of(alice)
        browser.connect()
        sync_until_idle()
        return browser.client

    def test_shows_its_new_name_at_the_next_sync(self, client, google, labels):
        assert list_shown_labels(client) == ["Taxes", "Travel"]
        google.clear_journal()

        labels.patch("/labels/Label_1", json={"name": "Taxes 2026"}).raise_for_status()
        sync_until_idle()

        assert list_shown_labels(client) == ["Taxes 2026", "Travel"]
        assert google.calls("gmail.users.messages.get") == 0
        assert google.calls("gmail.users.labels.list") == 1

    def test_is_no_longer_shown_once_it_is_deleted(self, client, labels):
        labels.delete("/labels/Label_1").raise_for_status()
        sync_until_idle()

        assert list_shown_labels(client) == ["Travel"]

    def test_is_shown_once_it_is_made(self, client, google, labels):
        made = labels.post("/labels", json={"name": "Family"}).json()
        message = google.mailbox(ALICE_BOX)["messages"][0]
        google.relabel(ALICE_BOX, message["id"], add=(made["id"],))
        sync_until_idle()

        assert list_shown_labels(client) == ["Family", "Taxes", "Travel"]

    def test_has_its_name_in_a_copy(self, client, alice):
        integration = Integration.objects.get()
        actor = actor_for(alice, integration.connection.organisation)
        asked = {"actor": actor, "integration_id": integration.id, "at": timezone.now()}
        with acting_as(ProcessClass.WEB), row_owner.acting_for(alice.id, actor.organisation_id):
            export_id = mailbox_export.request_export(**asked)
            parts = mailbox_export.stream_export(export_id=export_id, actor=actor, now=timezone.now)
            data = b"".join(parts)

        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            filed = archive.read("mail.mbox").decode()
        assert "Taxes" in filed
        assert "Travel" in filed

    def test_that_changed_nothing_writes_nothing(self, client):
        before = SyncWork.objects.values_list("label_names", flat=True).get()
        sync_until_idle()

        assert SyncWork.objects.values_list("label_names", flat=True).get() == before


class TestAFolderOfOutlook:
    @pytest.fixture
    def mine(self, microsoft):
        """Return Graph as the person who owns the mailbox reaches it."""
        self.oid = microsoft.seed(FOLDERS_BOX, size=0)["oid"]
        token = microsoft.authorize(FOLDERS_BOX, MAIL)["access_token"]
        with microsoft.graph(token) as client:
            yield client

    def test_shows_its_new_name_at_the_next_sync(self, alice, microsoft, mine):
        folder = mine.post("/me/mailFolders", json={"displayName": "Taxes"}).json()["id"]
        message = graph_id(self.oid, microsoft.deliver(FOLDERS_BOX)["id"])
        mine.post(f"/me/messages/{message}/move", json={"destinationId": folder})
        browser = at_microsoft.MicrosoftConnectBrowser(alice, microsoft)
        browser.connect(FOLDERS_BOX)
        sync_until_idle()
        assert list_shown_labels(browser.client) == ["Taxes"]

        mine.patch(f"/me/mailFolders/{folder}", json={"displayName": "Tax"}).raise_for_status()
        sync_until_idle()

        assert list_shown_labels(browser.client) == ["Tax"]
