"""Attachments that their owner saves in a Drive: of the same account, and of another one."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from integrations import connections
from integrations.access import drive_permits
from integrations.drive import uploads
from integrations.models import (
    Attachment,
    Connection,
    DriveFile,
    DriveFileProblem,
    DriveFileState,
    FileSourceKind,
    Integration,
    Message,
    PurgeTrigger,
)
from limited_use.guard.guard import AccessRefused
from limited_use.models import Leaf
from tests.integrations import microsoft as outlook
from tests.integrations.google import ALICE_BOX
from tests.integrations.microsoft import MicrosoftConnectBrowser
from tests.integrations.drive import saving
from tests.integrations.drive.tus_files import make_file

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-7", "LU-1")]

DATA = make_file(300_000)


@pytest.fixture
def gmail(alices, drive) -> Integration:
    """Alice's mailbox of the same account as her Drive, with one attachment."""
    alices.sandbox.deliver(ALICE_BOX, raw=saving.build_mail(DATA))
    alices.connect(connection=drive.connection)
    saving.sync_everything()
    return Integration.objects.select_related("connection").get(product="mail")


@pytest.fixture
def hotmail(alices, drive, sandbox, settings) -> Integration:
    """Alice's Outlook mailbox with one attachment, beside her Google Drive."""
    microsoft = outlook.point_at(settings, sandbox)
    settings.GRAPH_UNITS_PER_MINUTE = 0
    microsoft.seed(outlook.ALICE_BOX, messages=[])
    microsoft.deliver(outlook.ALICE_BOX, raw=saving.build_mail(DATA))
    MicrosoftConnectBrowser(alices.user, microsoft).connect()
    saving.sync_everything()
    return Integration.objects.select_related("connection").get(product="mail")


def list_upload_decisions() -> list[dict]:
    entries = [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.order_by("id")]
    return [entry for entry in entries if entry.get("purpose") == "drive.upload"]


def disconnect(integration: Integration) -> None:
    connections.disconnect_integration(
        integration_id=integration.id,
        user_id=integration.connection.user_id,
        organisation_id=integration.connection.organisation_id,
        trigger=PurgeTrigger.OWNER,
        at=timezone.now(),
    )


class TestSameAccount:
    @pytest.mark.claim("drive-save.same-account")
    def test_is_saved_by_one_click(self, alices, gmail, files):
        answer = saving.order(alices.client, saving.get_attachment(gmail))

        assert answer.status_code == 302
        saving.run_worker()
        remote = files.check_remote(DATA)
        assert (remote["name"], remote["mime_type"]) == (saving.PLAN, "application/pdf")
        file = DriveFile.objects.get()
        assert (file.state, file.source) == (DriveFileState.DONE, FileSourceKind.ATTACHMENT)
        assert file.crossing_at is None
        saved = {(entry["class"], entry["recipient"]) for entry in list_upload_decisions()
                 if entry["class"].startswith("mail")}
        assert {recipient for _, recipient in saved} == {"own_provider"}
