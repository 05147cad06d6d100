"""Uploads that nobody completes: cancelled, abandoned, stuck or tried again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from django.utils import timezone

from integrations.drive import file_transfer, upload_stream, upload_worker, uploads
from integrations.models import DriveFile, DriveFileState, Integration, IntegrationStatus
from integrations.providers.google import drive_uploads
from tests.integrations.drive import saving
from tests.integrations.drive.feature_world import WAV, FeatureWorld
from tests.integrations.drive.tus_files import UNIT, FileClient, make_file
from tests.integrations.google import ALICE_BOX

pytestmark = [pytest.mark.django_db, pytest.mark.scenario("F4"), pytest.mark.clause("AN-7")]

DATA = make_file(5 * UNIT + 99)


@pytest.fixture
def begun(files):
    return files.begin(len(DATA))


def look_once_more(run_worker) -> None:
    """Let the time until the last look pass."""
    DriveFile.objects.update(finished_at=timezone.now() - timedelta(minutes=1))
    saving.make_due()
    run_worker()


def check_trashed(files: FileClient, address: str) -> None:
    assert files.read(address)["state"] == "cancelled"
    (remote,) = files.list_remote()
    assert remote["trashed"]
    assert DriveFile.objects.get().due_at is None
    assert Integration.objects.get(product="drive").saved_file_count == 0


def send_in_two(files: FileClient, address: str) -> None:
    """No single reader reads the whole file, so that a worker has to compare it."""
    files.send(address, DATA[:UNIT])
    files.send(address, DATA[UNIT:], offset=UNIT)
    assert files.read(address)["state"] == "checking"


class TestAbandonedUploads:
    @pytest.fixture
    def abandon(self, run_worker):
        def abandon() -> None:
            DriveFile.objects.update(expires_at=timezone.now())
            uploads.give_up_abandoned_files(at=timezone.now())
            run_worker()

        return abandon

    def test_without_a_byte_are_given_up(self, files, begun, abandon):
        abandon()

        assert files.read(begun)["problem"] == "abandoned"

    def test_with_some_bytes_are_given_up(self, files, begun, abandon):
        files.send(begun, DATA[:UNIT])
        abandon()

        assert files.read(begun)["problem"] == "abandoned"
        assert files.list_remote() == []

    def test_with_all_bytes_in_the_drive_are_done(self, files, begun, abandon):
        files.sandbox.fail_upload("lose_answer")
        files.send(begun, DATA)
        abandon()

        assert files.read(begun)["state"] == "done"
        files.check_remote(DATA)


class TestCancelledAfterTheLastByte:
    def test_a_file_that_is_checked_goes_to_the_trash(self, files, begun, run_worker):
        files.send(begun, DATA[:UNIT])
        files.send(begun, DATA[UNIT:], offset=UNIT)
        assert files.read(begun)["state"] == "checking"

        files.http.post(f"{begun}/cancel")
        run_worker()
        look_once_more(run_worker)

        check_trashed(files, begun)

    def test_a_file_whose_session_ended_goes_to_the_trash(self, files, begun, run_worker):
        files.send(begun, DATA[:UNIT])
        files.sandbox.fail_upload("lose_answer")
        assert files.send(begun, DATA[UNIT:], offset=UNIT).status_code == 503
        files.sandbox.expire_uploads(ALICE_BOX)
        assert files.ask(begun) == len(DATA)

        files.http.post(f"{begun}/cancel")
        run_worker()
        look_once_more(run_worker)

        check_trashed(files, begun)

    def test_a_file_whose_grant_ended_stays_cancelled(self, files, begun, run_worker):
        files.send(begun, DATA[:UNIT])
        files.http.post(f"{begun}/cancel")
        files.sandbox.revoke_grant(ALICE_BOX)
        files.sandbox.expire_access(ALICE_BOX)

        run_worker()

        row = DriveFile.objects.get()
        assert (row.state, row.problem, row.due_at) == ("cancelled", "", None)

    def test_a_file_that_the_last_bytes_complete_later_goes_to_the_trash(
        self, files, begun, run_worker, monkeypatch
    ):
        send = drive_uploads.send_bytes

        def cancel_and_send(*args, **more):
            files.http.post(f"{begun}/cancel")
            run_worker()
            return send(*args, **more)

        # Of a Drive that had all bytes before it learnt of the end.
        monkeypatch.setattr(drive_uploads, "cancel_upload", lambda *_: None)
        monkeypatch.setattr(drive_uploads, "send_bytes", cancel_and_send)
        assert files.send(begun, DATA).status_code == 423
        (remote,) = files.list_remote()
        assert not remote["trashed"]

        run_worker()

        check_trashed(files, begun)

    def test_a_file_whose_sender_died_then_goes_to_the_trash(
        self, files, begun, run_worker, monkeypatch
    ):
        send, addresses = drive_uploads.send_bytes, []

        def send_and_note(session_url, *args, **more):
            addresses.append(session_url)
            return send(session_url, *args, **more)

        monkeypatch.setattr(drive_uploads, "send_bytes", send_and_note)
        monkeypatch.setattr(drive_uploads, "cancel_upload", lambda *_: None)
        files.send(begun, DATA[:UNIT])
        files.http.post(f"{begun}/cancel")
        run_worker()
        assert DriveFile.objects.get().due_at > timezone.now()
        # The bytes that the sender left on their way arrive.
        content_range = f"bytes {UNIT}-{len(DATA) - 1}/{len(DATA)}"
        rest = {"content": DATA[UNIT:], "headers": {"Content-Range": content_range}}
        assert httpx.put(addresses[0], **rest).status_code == 200
        (remote,) = files.list_remote()
        assert not remote["trashed"]

        look_once_more(run_worker)

        check_trashed(files, begun)

    @pytest.mark.claim("feature.drive-disclosure")
    def test_a_removed_entry_loses_its_name_before_the_drive_has_been_asked(
        self, files, begun, run_worker
    ):
        send_in_two(files, begun)
        files.http.post(f"{begun}/cancel")

        assert files.http.delete(begun).status_code == 204

        assert files.list() == []
        assert "report.bin" not in files.http.get("/files/").text
        assert files.http.get(begun).status_code == 404
        row = DriveFile.objects.get()
        assert (row.descriptor, row.content_blind, row.size, row.received) == (None, None, None, 0)
        run_worker()
        look_once_more(run_worker)
        (remote,) = files.list_remote()
        assert remote["trashed"]
        assert uploads.delete_old_entries(at=timezone.now()) == 1
        assert not DriveFile.objects.exists()


class TestAFileThatIsCompared:
    def test_waits_for_a_new_grant(self, alices, files, begun, run_worker, drive):
        send_in_two(files, begun)
        Integration.objects.update(status=IntegrationStatus.REAUTH_REQUIRED)

        run_worker()

        row = files.read(begun)
        assert (row["state"], row["problem"]) == ("checking", None)
        Integration.objects.update(status=IntegrationStatus.ACTIVE)
        saving.make_due()
        run_worker()
        assert files.read(begun)["state"] == "done"
        files.check_remote(DATA)

    def test_does_not_wait_for_ever(self, files, begun, run_worker):
        send_in_two(files, begun)
        files.sandbox.revoke_grant(ALICE_BOX)
        files.sandbox.expire_access(ALICE_BOX)
        run_worker()
        assert files.read(begun)["state"] == "checking"

        DriveFile.objects.update(expires_at=timezone.now())
        saving.make_due()
        run_worker()

        row = DriveFile.objects.get()
        assert (row.state, row.problem) == ("failed", "grant_ended")


class TestACompleteFile:
    """Its process died between the last byte and the settling."""

    @pytest.fixture
    def unsettled(self, files, begun, monkeypatch):
        with monkeypatch.context() as patched:
            patched.setattr(upload_stream, "_settle_if_complete", lambda *_: None)
            assert files.send(begun, DATA).status_code == 204
        assert files.read(begun)["state"] == "uploading"
        return begun

    def test_is_settled_when_its_client_asks(self, files, unsettled):
        assert files.ask(unsettled) == len(DATA)

        assert files.read(unsettled)["state"] == "done"
        files.check_remote(DATA)

    def test_is_settled_without_its_client(self, files, unsettled, run_worker):
        assert timezone.now() < DriveFile.objects.get().due_at

        saving.make_due()
        run_worker()

        assert files.read(unsettled)["state"] == "done"
        files.check_remote(DATA)


class TestAnInterruptedUpload:
    def test_has_six_days_from_its_last_byte(self, files, begun):
        soon = timezone.now() + timedelta(hours=1)
        DriveFile.objects.update(expires_at=soon)
        files.sandbox.fail_upload("cut", 3 * UNIT)

        assert files.send(begun, DATA).status_code == 503

        assert DriveFile.objects.get().expires_at > soon + timedelta(days=5)

    def test_is_not_given_up_if_its_client_came_back(self, files, begun, run_worker):
        files.send(begun, DATA[:UNIT])
        DriveFile.objects.update(expires_at=timezone.now())
        uploads.give_up_abandoned_files(at=timezone.now())
        files.send(begun, DATA[UNIT : 2 * UNIT], offset=UNIT)

        run_worker()

        assert files.read(begun)["state"] == "uploading"
        files.finish(begun, DATA)
        run_worker()
        assert files.read(begun)["state"] == "done"

    def test_is_done_if_a_pause_came_after_its_last_byte(self, files, begun, run_worker):
        files.sandbox.fail_upload("lose_answer")
        files.send(begun, DATA)
        files.http.post(f"{begun}/pause")
        DriveFile.objects.update(expires_at=timezone.now())

        uploads.give_up_abandoned_files(at=timezone.now())
        run_worker()

        assert files.read(begun)["state"] == "done"
        files.check_remote(DATA)

    def test_asks_the_guard_again_after_a_long_call(self, files, begun, monkeypatch):
        """A permit lives for a minute, and a slow provider takes longer."""
        files.send(begun, DATA[:UNIT])
        files.sandbox.expire_uploads(ALICE_BOX)
        DriveFile.objects.update(is_offset_known=False)
        find_offset = file_transfer.FileTransfer.find_offset

        def find_offset_slowly(transfer):
            transfer.first_permit = replace(transfer.first_permit, expires_at=timezone.now())
            return find_offset(transfer)

        monkeypatch.setattr(file_transfer.FileTransfer, "find_offset", find_offset_slowly)

        assert files.ask(begun) == 0
        files.finish(begun, DATA)
        assert files.read(begun)["state"] == "done"

    def test_keeps_few_pieces_however_small_they_are(self, files, monkeypatch):
        monkeypatch.setattr(upload_stream, "MAX_PIECES", 2)
        address = files.begin(len(DATA))

        small = files.send(address, DATA[: 2 * UNIT])
        enough = files.send(address, DATA[: 3 * UNIT])

        assert (small.status_code, small.json()["code"]) == (422, "upload-piece-too-small")
        assert enough.status_code == 204

    def test_is_read_again_after_too_many_breaks(self, files, begun, monkeypatch):
        files.send(begun, DATA[:UNIT])
        files.send(begun, DATA[UNIT : 2 * UNIT], offset=UNIT)
        monkeypatch.setattr(upload_stream, "_MOST_BROKEN_PIECES", 1)

        answer = files.send(begun, DATA[2 * UNIT :], offset=2 * UNIT)

        assert (answer.status_code, answer.json()["code"]) == (409, "upload-offset")
        assert files.ask(begun) == 0
        files.finish(begun, DATA)
        assert files.read(begun)["state"] == "done"
        files.check_remote(DATA)


class TestAnEmptyFile:
    def test_that_was_paused_is_completed(self, files, run_worker):
        address = files.begin(0)
        files.http.post(f"{address}/pause")
        files.http.post(f"{address}/resume")

        run_worker()

        assert files.read(address)["state"] == "done"
        files.check_remote(b"")

    def test_that_a_feature_proposed_is_completed(self, alice, drive, files, run_worker):
        world = FeatureWorld(alice, drive, files.sandbox)
        address = world.files.begin(0, content_type=WAV)
        files.http.post(f"{address}/accept")

        run_worker()

        assert files.read(address)["state"] == "done"
        files.check_remote(b"")


class TestAnotherTry:
    @pytest.fixture
    def failed(self, alices, drive, files):
        """Return the failed upload of an attachment. Its last answer had been lost."""
        alices.sandbox.deliver(ALICE_BOX, raw=saving.build_mail(DATA))
        alices.connect(connection=drive.connection)
        saving.sync_everything()
        mailbox = Integration.objects.get(product="mail")
        saving.order(alices.client, saving.get_attachment(mailbox))
        alices.sandbox.fail_upload("lose_answer")
        saving.run_worker()
        row = DriveFile.objects.get()
        assert row.state == DriveFileState.UPLOADING
        since = timezone.now() - upload_worker.TRY_FOR
        DriveFile.objects.update(failing_since=since, due_at=timezone.now())
        alices.sandbox.fail_next(20, status=503, path_prefix="/upload/drive")
        alices.sandbox.fail_next(20, status=503, path_prefix="/drive/")
        saving.run_worker()
        alices.sandbox.clear_faults()
        row.refresh_from_db()
        assert (row.state, row.problem) == ("failed", "unavailable")
        return row

    def test_finds_the_file_of_the_first(self, failed, files):
        files.http.post(f"/v1/users/me/files/{failed.id}/retry")

        saving.run_worker()

        failed.refresh_from_db()
        assert failed.state == DriveFileState.DONE
        files.check_remote(DATA)

    @pytest.mark.parametrize("change", ["trashed", "deleted"])
    def test_makes_another_file_if_its_owner_threw_that_one_away(
        self, failed, files, alices, change
    ):
        (first,) = files.list_remote()
        alices.sandbox.change_file(ALICE_BOX, first["id"], **{change: True})
        files.http.post(f"/v1/users/me/files/{failed.id}/retry")

        for _ in range(3):
            saving.make_due()
            saving.run_worker()

        failed.refresh_from_db()
        assert failed.state == DriveFileState.DONE
        (kept,) = [file for file in files.list_remote() if not file["trashed"]]
        assert kept["id"] != first["id"]
        assert alices.sandbox.drive_content(ALICE_BOX, kept["id"]) == DATA
