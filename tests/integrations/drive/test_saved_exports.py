"""Copies of a mailbox that their owner saves in the Drive of the same account, and nowhere else."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Membership
from integrations import connections
from integrations.access import drive_permits
from integrations.access.request_context import RequestContext
from integrations.drive import uploads
from integrations.mail import mailbox_export
from integrations.models import (
    DriveFile,
    DriveFileProblem,
    DriveFileState,
    Export,
    ExportOutcome,
    FileSourceKind,
    Integration,
    PurgeTrigger,
)
from integrations.settings import drive_saves
from limited_use.guard.guard import AccessRefused
from tests.factories import actor_for
from tests.integrations import microsoft as outlook
from tests.integrations.drive import saving
from tests.integrations.google import ALICE_BOX
from tests.integrations.microsoft import MicrosoftConnectBrowser

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-7", "W-LU2", "AN-23")]

PASSWORD = "correct horse battery staple"


@pytest.fixture
def gmail(alices, drive) -> Integration:
    """Alice's mailbox of the same account as her Drive."""
    for number in range(3):
        alices.sandbox.deliver(ALICE_BOX, raw=f"Subject: letter {number}\n\nwords".encode())
    alices.connect(connection=drive.connection)
    saving.sync_everything()
    return Integration.objects.select_related("connection").get(product="mail")


@pytest.fixture
def hotmail(alices, drive, sandbox, settings) -> Integration:
    microsoft = outlook.point_at(settings, sandbox)
    settings.GRAPH_UNITS_PER_MINUTE = 0
    microsoft.seed(outlook.ALICE_BOX, messages=[{"subject": "one"}])
    MicrosoftConnectBrowser(alices.user, microsoft).connect()
    saving.sync_everything()
    return Integration.objects.select_related("connection").get(product="mail")


@pytest.fixture
def context(alices) -> RequestContext:
    organisation = Membership.objects.get(user=alices.user).organisation
    return RequestContext(actor_for(alices.user, organisation), alices.user.id, timezone.now())


@pytest.fixture
def ordered(context, gmail, drive) -> DriveFile:
    return drive_saves.save_export(context, gmail, drive)


def get_address(mailbox) -> str:
    return f"/files/save/exports/{mailbox.id}/"


def confirm(browser, asked):
    """Give the password that the page asks for; return the answer."""
    browser.user.set_password(PASSWORD)
    browser.user.save(update_fields=["password"])
    browser.client.force_login(browser.user)
    asked = browser.client.post(asked, follow=True)
    (leads_to,) = re.findall(r'name="next"[^>]* value="([^"]+)"', asked.content.decode())
    form = {"password": PASSWORD, "next": leads_to}
    return browser.client.post(asked.wsgi_request.path, form)


def read_saved(files) -> bytes:
    (remote,) = files.list_remote()
    return files.sandbox.drive_content(ALICE_BOX, remote["id"])


class TestOrder:
    @pytest.mark.claim("export.to-own-drive")
    def test_needs_a_confirmation(self, alices, gmail, files):
        page = alices.client.get(f"/settings/integrations/{gmail.id}/export/").content.decode()
        assert get_address(gmail) in page

        refused = alices.client.post(get_address(gmail))
        assert refused.status_code in {302, 403}
        assert not DriveFile.objects.exists()

        confirm(alices, get_address(gmail))

        assert DriveFile.objects.get().source == FileSourceKind.MAIL_EXPORT
        saving.run_worker()
        files.check_remote(read_saved(files))
        listed = alices.client.get(f"/settings/integrations/{gmail.id}/export/").content.decode()
        assert "For your Drive" in listed
        assert "Complete" in listed

    def test_of_microsoft_mail_is_refused_everywhere(self, alices, context, hotmail, drive):
        page = alices.client.get(f"/settings/integrations/{hotmail.id}/export/").content.decode()
        assert get_address(hotmail) not in page

        assert confirm(alices, get_address(hotmail)).status_code == 404
        with pytest.raises(drive_saves.CrossingNotAgreed):
            drive_saves.save_export(context, hotmail, drive)
        assert not DriveFile.objects.exists()

    @pytest.mark.invariant(1)
    def test_into_another_account_is_refused_by_policy_and_source(
        self, context, hotmail, drive, files
    ):
        export_id = mailbox_export.request_export(
            actor=context.actor, integration_id=hotmail.id, at=context.at
        )
        file = uploads.create_file(
            context,
            drive,
            size=None,
            filename="copy.zip",
            content_type="application/zip",
            source=FileSourceKind.MAIL_EXPORT,
            source_id=export_id,
            source_integration_id=hotmail.id,
            crosses_accounts=True,
        )

        with pytest.raises(AccessRefused):
            drive_permits.to_save_mail(file=file, source_id=hotmail.id, count=1, at=timezone.now())
        saving.run_worker()
        assert files.list_remote() == []
        assert DriveFile.objects.get().problem == DriveFileProblem.SOURCE_GONE

    def test_is_made_once_at_a_time(self, context, gmail, drive, ordered):
        with pytest.raises(drive_saves.AlreadySaving):
            drive_saves.save_export(context, gmail, drive)

        assert Export.objects.count() == 1


class TestCopy:
    def test_is_the_one_that_can_be_downloaded(self, ordered, files):
        saving.run_worker()

        saved = read_saved(files)
        files.check_remote(saved)
        with zipfile.ZipFile(io.BytesIO(saved)) as archive:
            assert archive.testzip() is None
            mbox = archive.read(mailbox_export.MEMBER)
        # The messages, and notes at the beginning and the end.
        assert len(re.findall(rb"^From ", mbox, re.MULTILINE)) == 3 + 2
        export = Export.objects.get()
        assert (export.outcome, export.message_count) == (ExportOutcome.COMPLETE, 3)
        assert re.fullmatch(r"antares-mail-[\d-]{10}\.zip", files.list_remote()[0]["name"])

    @pytest.mark.scenario("F4")
    def test_is_made_again_after_the_death_of_its_worker(  # noqa: PLR0917 - fixtures
        self, alices, gmail, context, drive, files, run_dying
    ):
        alices.sandbox.deliver(ALICE_BOX, raw=build_long_mail())
        saving.sync_everything()
        drive_saves.save_export(context, gmail, drive)
        run_dying()
        saving.expire_leases()

        saving.run_worker()

        saved = read_saved(files)
        files.check_remote(saved)
        assert zipfile.ZipFile(io.BytesIO(saved)).testzip() is None
        assert Export.objects.get().outcome == ExportOutcome.COMPLETE

    @pytest.mark.clause("AN-12", "WDEL")
    def test_breaks_off_at_a_disconnect(  # noqa: PLR0917 - fixtures
        self, alices, gmail, context, drive, files, during_upload
    ):
        alices.sandbox.deliver(ALICE_BOX, raw=build_long_mail())
        saving.sync_everything()
        drive_saves.save_export(context, gmail, drive)
        during_upload(lambda: disconnect(gmail))

        saving.run_worker(has_all_rights=True)

        assert files.list_remote() == []
        assert DriveFile.objects.get().state == DriveFileState.FAILED

    def test_needs_a_confirmation_that_is_not_old(self, ordered, files):
        Export.objects.update(asked_at=timezone.now() - timedelta(hours=2))

        saving.run_worker()

        assert DriveFile.objects.get().problem == DriveFileProblem.SOURCE_GONE
        assert files.list_remote() == []


def build_long_mail() -> bytes:
    text = "".join(f"line {number}\n" for number in range(90_000))
    return f"From: bob@example.test\nSubject: long\n\n{text}".encode()


def disconnect(integration: Integration) -> None:
    connections.disconnect_integration(
        integration_id=integration.id,
        user_id=integration.connection.user_id,
        organisation_id=integration.connection.organisation_id,
        trigger=PurgeTrigger.OWNER,
        at=timezone.now(),
    )
