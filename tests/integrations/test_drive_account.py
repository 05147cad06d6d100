"""A Drive is connected, shown, withdrawn and removed like mail and calendars, and has no copy."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from integrations import connections, purge
from integrations.connections import automatic_disconnect
from integrations.grants import provider_credentials
from integrations.models import (
    AttemptOutcome,
    Connection,
    DriveFile,
    DriveFileProblem,
    DriveFileState,
    Integration,
    IntegrationStatus,
    LookupMeans,
    PurgeJob,
    PurgeTrigger,
    StandingConsent,
    SyncWork,
)
from integrations.support import connection_overview, product_states
from limited_use.agreements import consents
from limited_use.models import Consent, Receipt
from limited_use.policy.feature_registry import FEATURES
from limited_use.vault.fields import SealedField
from tests import drive
from tests.api import cast
from tests.factories import as_agreed
from tests.integrations.google import ALICE_BOX, query_of
from tests.integrations.pages import reading
from tests.integrations.support import desk

DRIVE_FILE = "https://www.googleapis.com/auth/drive.file"
MAIL_SCOPE = "https://www.googleapis.com/auth/gmail.readonly"
SETTINGS = "/settings/integrations/"
PRODUCT = {"product": "drive", "version": as_agreed("drive")}

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.invariant(11),
    pytest.mark.clause("AN-1", "AN-7"),
]


@pytest.fixture
def alice(alice):
    """Return Alice, who can confirm that it is her: an empty password is not an unusable one."""
    alice.password = ""
    alice.save(update_fields=["password"])
    return alice


@pytest.fixture
def browser(browser_of, alice):
    return browser_of(alice)


@pytest.fixture
def integration(browser):
    """Return Alice's Drive, of an account that is connected for nothing else."""
    connect_drive(browser)
    return Integration.objects.select_related("connection").get(product="drive")


def connect_drive(browser, *, connection=None, untick=()):
    """Return the outcome, and the scopes that the consent page was asked for."""
    address = browser.begin(connection, **PRODUCT)
    browser.arrive(browser.sandbox.consent(address, email=ALICE_BOX, untick=untick))
    return browser.attempt().outcome, set(query_of(address)["scope"].split())


def read_settings(browser):
    return reading.text(browser.client.get(SETTINGS).text)


def disconnect(integration, trigger=PurgeTrigger.OWNER):
    with transaction.atomic():
        return automatic_disconnect.disconnect_in_transaction(
            integration=integration, trigger=trigger, at=timezone.now()
        )


def list_agreed_features():
    return set(Consent.objects.filter(withdrawn_at=None).values_list("feature", flat=True))


class TestAConnectedDrive:
    @pytest.mark.claim("outcome.drive-ready", "status.drive-active")
    def test_asks_for_its_own_files_alone_and_starts_no_sync(self, browser):
        outcome, asked = connect_drive(browser)

        assert outcome == AttemptOutcome.CONNECTED
        assert asked == {"openid", "email", DRIVE_FILE}
        assert list_agreed_features() == {"drive"}
        integration = Integration.objects.get()
        assert (integration.product, integration.status) == ("drive", IntegrationStatus.ACTIVE)
        assert not SyncWork.objects.exists()
        # Nothing is in the Drive before its owner chooses a file.
        assert not DriveFile.objects.exists()
        page = read_settings(browser)
        assert page.count("only when you choose it or agree to it.") == 2
        assert "Antares has put no file there." in page
        assert "Sync now" not in page

    @pytest.mark.claim("outcome.no-drive", "status.without-drive")
    def test_is_not_there_without_the_permission(self, browser):
        outcome, _ = connect_drive(browser, untick=(DRIVE_FILE,))

        assert outcome == AttemptOutcome.CONNECTED_WITHOUT_PRODUCT
        assert not Integration.objects.exists()
        page = read_settings(browser)
        assert "The account is connected, but not its Drive." in page
        assert "You did not grant permission to put files there, so Antares puts none" in page
        assert "Antares has no permission to put files there, so it puts none there." in page

    @pytest.mark.claim("connect.without-drive")
    def test_is_optional_beside_mail(self, browser):
        browser.connect()
        connection = Connection.objects.get()
        page = browser.client.get(SETTINGS).text
        assert f'?product=drive&amp;connection={connection.id}">Add Drive<' in page
        assert "but not save them in a Drive." in page

        outcome, asked = connect_drive(browser, connection=connection)

        assert outcome == AttemptOutcome.CONNECTED
        assert {DRIVE_FILE, MAIL_SCOPE} <= asked
        assert Connection.objects.get() == connection
        assert set(Integration.objects.values_list("product", flat=True)) == {"mail", "drive"}

    def test_lets_mail_be_added_with_all_that_it_has(self, browser, integration):
        assert browser.connect(connection=integration.connection).outcome == "connected"

        assert {DRIVE_FILE, MAIL_SCOPE} <= set(Connection.objects.get().granted_scopes)

    def test_counts_files_and_open_uploads(self, browser, integration):
        at = timezone.now()
        drive.make_drive_file(integration, at)
        Integration.objects.filter(id=integration.id).update(saved_file_count=2)

        page = read_settings(browser)

        assert "Antares put 2 files there" in page
        assert "1 upload is not complete" in page

    @pytest.mark.claim("integrations.drive-until", "integrations.no-drive-access")
    def test_without_its_permission_is_paused_and_says_until_when(self, browser, integration):
        connect_drive(browser, connection=integration.connection, untick=(DRIVE_FILE,))

        page = read_settings(browser)

        assert "Antares can no longer put files into your Drive." in page
        assert "otherwise Antares removes the list of your uploads." in page
        since = Integration.objects.get().status_since
        automatic_disconnect.disconnect_due_integrations(at=since + timedelta(days=13))
        assert not PurgeJob.objects.exists()
        automatic_disconnect.disconnect_due_integrations(at=since + timedelta(days=14, seconds=1))
        assert PurgeJob.objects.get().trigger == PurgeTrigger.PERMISSION_WITHDRAWN

        outcome, _ = connect_drive(browser)
        assert outcome == AttemptOutcome.CONNECTED

    def test_without_its_permission_continues_once_it_is_granted(self, browser, integration):
        connect_drive(browser, connection=integration.connection, untick=(DRIVE_FILE,))

        connect_drive(browser, connection=integration.connection)

        assert Integration.objects.get().status == IntegrationStatus.ACTIVE

    @pytest.mark.claim("integrations.drive-until")
    def test_whose_grant_ended_says_until_when(self, browser, integration):
        connection = integration.connection
        provider_credentials.record_grant_ended(
            connection_id=connection.id, epoch=connection.epoch, at=timezone.now()
        )

        page = read_settings(browser)

        assert "otherwise Antares removes the list of your uploads." in page
        assert "Open files" not in page

    def test_is_no_landing_page(self, browser, integration):
        assert browser.client.get("/start/")["Location"] == SETTINGS


@pytest.mark.invariant(6)
@pytest.mark.claim("stored.uploads", "stored.proposed-files")
@pytest.mark.parametrize("proposed_by", ["", "recordings"])
class TestTheListOfUploads:
    def test_loses_what_its_owner_removes(self, browser, integration, proposed_by):
        file = drive.make_drive_file(
            integration, timezone.now(), state="done", due_at=None, proposed_by=proposed_by
        )

        answer = browser.client.delete(f"/v1/users/me/files/{file.id}")

        assert answer.status_code == 204
        assert not DriveFile.objects.exists()

    @pytest.mark.parametrize("trigger", [PurgeTrigger.OWNER, PurgeTrigger.CONSENT_WITHDRAWN])
    def test_is_removed_with_the_connection(self, transactional_db, browser, trigger, proposed_by):
        connect_drive(browser)
        integration = Integration.objects.select_related("connection").get()
        drive.make_drive_file(
            integration, timezone.now(), state="done", due_at=None, proposed_by=proposed_by
        )

        job = disconnect(integration, trigger)
        for _ in range(20):
            if purge.run_purge(job_id=job.id) == "done":
                break

        assert not DriveFile.objects.exists()


@pytest.mark.invariant(6)
@pytest.mark.clause("AN-2")
class TestWithdrawal:
    WITHDRAW = "/settings/features/drive/withdraw/"

    @pytest.mark.claim("withdraw.disconnects-drive", "withdraw.upload-count")
    @pytest.mark.claim("withdraw.unchanged-there", "withdraw.unreadable-at-once")
    def test_disconnects_the_drive_and_stops_uploads(self, browser, integration, alice):
        file = drive.make_drive_file(integration, timezone.now())
        client = cast.browser(alice, recent=True)

        page = reading.text(client.get(self.WITHDRAW).text)
        answer = client.post(self.WITHDRAW)

        assert "Withdrawing disconnects 1 Drive and removes the list of your uploads." in page
        assert ": 1 upload in the list" in page
        assert "The files that Antares put into your Drive stay there." in page
        assert answer.status_code == 302
        job = PurgeJob.objects.get()
        assert (job.integration_id, job.trigger) == (integration.id, "consent_withdrawn")
        assert job.stopped_upload_count == 1
        file.refresh_from_db()
        assert (file.state, file.problem) == (DriveFileState.FAILED, DriveFileProblem.STOPPED)
        assert list_agreed_features() == set()

    def test_leaves_mail_of_the_account_connected(self, browser, integration, alice):
        browser.connect(connection=integration.connection)

        connections.withdraw_consent(
            feature="drive",
            user_id=alice.id,
            organisation_id=integration.connection.organisation_id,
            at=timezone.now(),
        )

        assert [one.product for one in Integration.objects.live()] == ["mail"]

    def test_that_left_a_drive_connected_is_noticed(self, integration):
        Consent.objects.filter(feature="drive").update(withdrawn_at=timezone.now())

        automatic_disconnect.disconnect_due_integrations(at=timezone.now())

        assert PurgeJob.objects.get().trigger == PurgeTrigger.CONSENT_WITHDRAWN


@pytest.mark.invariant(6)
class TestTheFence:
    def test_stops_open_uploads_and_leaves_no_lease(self, integration):
        at = timezone.now()
        lease = {"lease_by": integration.id, "lease_until": at + timedelta(minutes=1)}
        waiting = drive.make_drive_file(integration, at, state="uploading", received=3, **lease)
        paused = drive.make_drive_file(integration, at, state="paused", due_at=None)
        proposed = drive.make_drive_file(integration, at, state="proposed", due_at=None)
        done = drive.make_drive_file(integration, at, state="done", due_at=None)
        Integration.objects.filter(id=integration.id).update(saved_file_count=1)
        integration.refresh_from_db()

        job = disconnect(integration)

        assert (job.saved_file_count, job.stopped_upload_count) == (1, 2)
        for file in (waiting, paused):
            file.refresh_from_db()
            assert (file.state, file.problem) == ("failed", "stopped")
            assert (file.lease_by, file.lease_until, file.due_at) == (None, None, None)
        for file, state in ((proposed, "cancelled"), (done, "done")):
            file.refresh_from_db()
            assert file.state == state

    @pytest.mark.claim("receipt.uploads-stopped")
    def test_of_mail_stops_its_attachments_on_their_way_to_another_drive(
        self, browser, integration, google
    ):
        browser.connect(connection=integration.connection)
        mail = Integration.objects.get(product="mail")
        at = timezone.now()
        attachment = drive.make_drive_file(
            integration, at, source="attachment", source_id=mail.id, source_integration_id=mail.id
        )
        own = drive.make_drive_file(integration, at)

        job = disconnect(mail)

        assert (job.saved_file_count, job.stopped_upload_count) == (0, 1)
        attachment.refresh_from_db()
        own.refresh_from_db()
        assert (attachment.state, own.state) == ("failed", "waiting")

    @pytest.mark.claim("receipt.uploads-complete", "stored.uploads")
    def test_says_in_the_receipt_that_nothing_was_stopped(self, transactional_db, browser):
        connect_drive(browser)
        integration = Integration.objects.select_related("connection").get()
        drive.make_drive_file(integration, timezone.now(), state="done", due_at=None)
        job = disconnect(integration)
        for _ in range(20):
            if purge.run_purge(job_id=job.id) == "done":
                break

        document = bytes(Receipt.objects.get(subject_id=job.integration_id).document)

        uploads = json.loads(document)["body"]["uploads"]
        assert (uploads["saved"], uploads["stopped"]) == (0, 0)
        assert uploads["says"] == "No upload was on its way when you disconnected."
        # No column has bytes of a file: names and types, and ids at the provider, are sealed.
        sealed = {one.name for one in DriveFile._meta.fields if isinstance(one, SealedField)}
        assert sealed == {"descriptor", "transfer"}
        assert not DriveFile.objects.exists()


class TestStandingConsents:
    @pytest.fixture
    def standing(self, integration):
        row = drive.make_standing_consent(integration, timezone.now())
        connection = integration.connection
        self.owner = {
            "user_id": connection.user_id,
            "organisation_id": connection.organisation_id,
        }
        with transaction.atomic():
            consents.give(
                person_id=connection.user_id,
                organisation_id=connection.organisation_id,
                feature="recordings",
                version=FEATURES["recordings"].version,
                item=row.id,
                expires_at=row.expires_at,
                at=timezone.now(),
            )
        return row

    @pytest.mark.clause("LU-2.1")
    def test_end_when_the_feature_is_switched_off_and_take_its_proposals_along(
        self, integration, standing
    ):
        delegation = connections.switch_on_feature(
            feature="recordings",
            version=FEATURES["recordings"].version,
            at=timezone.now(),
            **self.owner,
        )
        values = {"delegation_id": delegation.id, "proposed_by": "recordings"}
        at = timezone.now()
        drive.make_drive_file(integration, at, state="proposed", due_at=None, **values)
        accepted = drive.make_drive_file(integration, at, **values)

        connections.switch_off_feature(
            delegation_id=delegation.id,
            user_id=self.owner["user_id"],
            organisation_id=delegation.organisation_id,
            at=timezone.now(),
        )

        assert StandingConsent.objects.get().ended_at
        assert Consent.objects.get(item=standing.id).withdrawn_at
        assert list(DriveFile.objects.all()) == [accepted]


class TestSupport:
    def test_reads_what_the_person_reads_and_offers_no_sync(self, integration):
        agent = desk.make_agent()
        connection = integration.connection
        desk.find(agent, str(connection.id), LookupMeans.CONNECTION)

        with desk.at_desk_of(agent):
            [row] = product_states.list_connections(connection.user_id)
            overview = connection_overview.get_overview(row, at=timezone.now())

        [product] = overview.products
        assert product.state.name == "Google Drive"
        assert "only when you choose it or agree to it." in str(product.state.words.says)
        assert not product.is_synced
