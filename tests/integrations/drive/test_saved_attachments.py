"""Attachments that their owner saves in a Drive: of the same account, and of another one."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import Membership
from integrations import connections
from integrations.access import drive_permits
from integrations.access.request_context import RequestContext
from integrations.drive import source_uploads, upload_controls
from integrations.grants import worker_downloads
from integrations.mail import attachments
from integrations.models import (
    Attachment,
    DriveFile,
    DriveFileProblem,
    DriveFileState,
    FileSourceKind,
    Integration,
    Message,
    PurgeTrigger,
)
from integrations.providers.file_download import FileDownload
from limited_use.guard.guard import AccessRefused
from limited_use.models import Consent, Leaf
from tests.factories import actor_for
from tests.integrations import microsoft as outlook
from tests.integrations.drive import saving
from tests.integrations.drive.tus_files import make_file
from tests.integrations.google import ALICE_BOX
from tests.integrations.microsoft import MicrosoftConnectBrowser

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-7", "LU-1")]

DATA = make_file(300_000)
#: More than the sink passes on between two checks of its permits.
LONG = make_file(3 * 1024 * 1024 + 17)


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
        saved = [entry for entry in list_upload_decisions() if entry["class"].startswith("mail")]
        assert {entry["recipient"] for entry in saved} == {"own_provider"}
        assert {entry["event"] for entry in saved} == {"use.permitted"}

    @pytest.mark.scenario("F1")
    def test_is_read_by_its_part_each_time(self, alices, gmail, files, run_dying):
        saving.order(alices.client, saving.get_attachment(gmail))
        run_dying()

        saving.expire_leases()
        saving.run_worker()

        assert alices.sandbox.calls("gmail.users.messages.attachments.get") == 2
        files.check_remote(DATA)
        assert DriveFile.objects.get().crash_count == 1

    def test_is_not_ordered_twice_by_a_second_click(self, alices, gmail, files):
        for _ in range(2):
            saving.order(alices.client, saving.get_attachment(gmail))

        assert DriveFile.objects.count() == 1

    def test_has_a_button_where_a_drive_is_connected(self, alices, gmail, drive):
        thread = Message.objects.get(id=saving.get_attachment(gmail).message_id).thread_id
        address = f"/inbox/threads/{thread}/"
        form = saving.get_save_address(saving.get_attachment(gmail))

        with_drive = alices.client.get(address).content.decode()
        Integration.objects.filter(id=drive.id).update(status="reauth_required")
        without = alices.client.get(address).content.decode()

        assert f'action="{form}"' in with_drive
        assert form not in without

    @pytest.mark.scenario("F3")
    @pytest.mark.parametrize(
        ("given", "saved"),
        [
            ("../../etc/passwd.pdf", "passwd.pdf"),
            ("a\u202efdp.exe", "a fdp.exe"),
            ("C:\\Plan\u2028.pdf", "Plan .pdf"),
        ],
    )
    def test_has_a_harmless_name(self, alices, gmail, files, given, saved):
        Attachment.objects.all().delete()
        alices.sandbox.deliver(ALICE_BOX, raw=saving.build_mail(DATA, filename=given))
        saving.sync_everything()

        saving.order(alices.client, saving.get_attachment(gmail))
        saving.run_worker()

        assert files.check_remote(DATA)["name"] == saved

    def test_of_somebody_else_is_not_there(self, gmail, bob, browser_of):
        answer = saving.order(browser_of(bob).client, saving.get_attachment(gmail))

        assert answer.status_code == 404
        assert not DriveFile.objects.exists()


class TestOtherAccount:
    @pytest.mark.clause("LU-2.1", "W-LU2")
    @pytest.mark.claim("drive-save.crossing")
    def test_needs_the_page_that_names_both_accounts(self, alices, hotmail, drive, files):
        attachment = saving.get_attachment(hotmail)
        address = saving.get_save_address(attachment)

        clicked = saving.order(alices.client, attachment)
        unagreed = saving.order(alices.client, attachment, drive=str(drive.id))
        without_page = saving.order(alices.client, attachment, agree="yes")

        assert [one["Location"] for one in (clicked, unagreed, without_page)] == [address] * 3
        assert not DriveFile.objects.exists()
        page = alices.client.get(address).content.decode()
        assert "This file leaves Microsoft and goes to your Google Drive." in page
        assert "Google then holds it under its own terms." in page
        for name in (ALICE_BOX, outlook.ALICE_BOX, saving.PLAN):
            assert name in page

        saving.order(alices.client, attachment, drive=str(drive.id), agree="yes")
        saving.run_worker()

        remote = files.check_remote(DATA)
        assert remote["name"] == saving.PLAN
        assert DriveFile.objects.get().crossing_at is not None
        saved = [entry for entry in list_upload_decisions() if entry["class"].startswith("mail")]
        assert {entry["recipient"] for entry in saved} == {"other_own_account"}
        activity = alices.client.get("/settings/activity/?days=1").content.decode()
        assert "saved a file of one account in the Drive of another" in activity

    def test_of_somebody_else_cannot_be_chosen(self, alices, hotmail, bob):
        answer = saving.order(
            alices.client, saving.get_attachment(hotmail), drive=str(hotmail.id), agree="yes"
        )

        assert answer.status_code == 404
        assert not DriveFile.objects.exists()

    @pytest.mark.invariant(1)
    @pytest.mark.parametrize(
        "changes",
        [
            {"crossing_at": None},
            {"proposed_by": "recordings"},
            {"state": DriveFileState.CANCELLED},
            {"state": DriveFileState.DONE},
            {"source": FileSourceKind.MAIL_EXPORT},
            {"source_integration_id": None},
        ],
    )
    @pytest.mark.clause("W-LU2", "LU-2.1")
    def test_is_refused_by_the_policy_without_an_order_of_its_own(
        self, alices, hotmail, drive, changes
    ):
        file = order_crossing(alices, hotmail, drive)
        read_order(file)
        DriveFile.objects.update(**changes)
        file.refresh_from_db()

        with pytest.raises(AccessRefused):
            drive_permits.to_save_mail(file=file, source_id=hotmail.id, count=1, at=timezone.now())

    def test_is_not_crossed_by_a_request_of_the_api(self, files, hotmail):
        answer = files.create(1, query=f"?source=attachment&source_id={uuid7()}&agree=yes")

        assert answer.status_code in {201, 400}
        assert not DriveFile.objects.exclude(
            source=FileSourceKind.CLIENT, crossing_at=None
        ).exists()


class TestInterruption:
    @pytest.fixture
    def ordered(self, alices, drive, gmail) -> DriveFile:
        Attachment.objects.all().delete()
        alices.sandbox.deliver(ALICE_BOX, raw=saving.build_mail(LONG))
        saving.sync_everything()
        saving.order(alices.client, saving.get_attachment(gmail))
        return DriveFile.objects.get()

    @pytest.mark.scenario("F4")
    def test_by_the_death_of_its_worker_is_made_good(self, ordered, files, run_dying, monkeypatch):
        run_dying(after=3)
        assert DriveFile.objects.get().state == DriveFileState.UPLOADING
        assert files.list_remote() == []

        saving.expire_leases()
        saving.run_worker()

        files.check_remote(LONG)
        assert DriveFile.objects.get().session_count == 1

    @pytest.mark.clause("AN-12", "WDEL")
    @pytest.mark.parametrize("product", ["mail", "drive"])
    def test_by_a_disconnect_ends_it(self, ordered, files, during_upload, product):
        integration = Integration.objects.select_related("connection").get(product=product)
        during_upload(lambda: disconnect(integration))

        saving.run_worker(has_all_rights=True)

        assert files.list_remote() == []
        file = DriveFile.objects.get()
        assert (file.state, file.problem) == (DriveFileState.FAILED, DriveFileProblem.STOPPED)

    def test_by_a_withdrawal_ends_it(self, ordered, files, during_upload):
        during_upload(
            lambda: Consent.objects.filter(feature="drive").update(withdrawn_at=timezone.now())
        )

        saving.run_worker(has_all_rights=True)

        assert files.list_remote() == []
        assert DriveFile.objects.get().problem == DriveFileProblem.STOPPED

    def test_by_its_owner_ends_it(self, ordered, alices, files, during_upload):
        during_upload(lambda: upload_controls.cancel_file(get_context(alices), ordered.id))

        saving.run_worker()

        assert files.list_remote() == []
        assert DriveFile.objects.get().state == DriveFileState.CANCELLED

    def test_by_the_provider_of_the_mail_is_tried_again(self, ordered, alices, files):
        alices.sandbox.fail_next(10, status=503, path_prefix="/gmail/v1/users/me/messages/")
        saving.run_worker()
        assert DriveFile.objects.get().failing_since is not None

        alices.sandbox.clear_faults()
        saving.make_due()
        saving.run_worker()

        files.check_remote(LONG)


class TestSourceGone:
    @pytest.mark.scenario("F1")
    @pytest.mark.parametrize("where", ["at the provider", "here", "disconnected"])
    def test_is_said(self, alices, gmail, files, where):
        attachment = saving.get_attachment(gmail)
        saving.order(alices.client, attachment)
        if where == "at the provider":
            message = alices.sandbox.mailbox(ALICE_BOX)["messages"]
            for one in message:
                alices.sandbox.delete(ALICE_BOX, one["id"] if isinstance(one, dict) else one)
        elif where == "here":
            Attachment.objects.all().delete()
        else:
            Integration.objects.filter(id=gmail.id).update(status="reauth_required")

        saving.run_worker()

        file = DriveFile.objects.get()
        assert (file.state, file.problem) == (DriveFileState.FAILED, DriveFileProblem.SOURCE_GONE)
        assert files.list_remote() == []

    @pytest.mark.scenario("F2")
    def test_too_large_is_refused_before_it_is_fetched(self, alices, gmail, files):
        Attachment.objects.update(size=1 << 30)
        saving.order(alices.client, saving.get_attachment(gmail))

        saving.run_worker()

        assert DriveFile.objects.get().problem == DriveFileProblem.TOO_LARGE
        assert alices.sandbox.calls("gmail.users.messages.attachments.get") == 0


class TestMemory:
    @pytest.mark.scenario("F2")
    def test_is_flat_for_the_largest_attachment(self, alices, gmail, files, monkeypatch):
        size = attachments.LARGEST
        monkeypatch.setattr(
            worker_downloads,
            "open_file",
            lambda *_, **__: FileDownload(generate_bytes(size), size=size),
        )
        saving.order(alices.client, saving.get_attachment(gmail))

        tracemalloc.start()
        saving.run_worker()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert files.check_remote(bytes(size))["size"] == size
        # Two chunks on their way, and what holds them.
        assert peak < 6 * source_uploads.CHUNK_BYTES


def generate_bytes(count):
    while count > 0:
        yield bytes(min(count, 64 * 1024))
        count -= 64 * 1024


def order_crossing(alices, mailbox, drive) -> DriveFile:
    saving.order(alices.client, saving.get_attachment(mailbox), drive=str(drive.id), agree="yes")
    return DriveFile.objects.get()


def read_order(file) -> None:
    """The order suffices as it is."""
    drive_permits.to_save_mail(
        file=file, source_id=file.source_integration_id, count=1, at=timezone.now()
    )


def get_context(alices) -> RequestContext:
    membership = Membership.objects.get(user=alices.user)
    return RequestContext(
        actor_for(alices.user, membership.organisation), alices.user.id, timezone.now()
    )
