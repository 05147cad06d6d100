"""The store of files to send: interrupted, attached, opened, expired, disconnected."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from django.utils import timezone

from accounts.ids import uuid7
from config.process_classes import ProcessClass
from integrations.access.fences import DisconnectedError
from integrations.models import Integration, IntegrationStatus, Upload, UploadChunk
from integrations.outbox import upload_body, uploads
from integrations.outbox.upload_errors import (
    UploadIncomplete,
    UploadInterrupted,
    UploadLocked,
    UploadNotReady,
    UploadTooLarge,
)
from integrations.outbox.uploads import LIMITS, UploadAccess
from integrations.tasks.purge import sweep_uploads
from limited_use.policy.policy_vocabulary import DataClass, Purpose
from limited_use.sinks import provider_sink
from limited_use.sinks.traceback_guard import WrongSink
from limited_use.vault import data_keys
from limited_use.vault.envelope import Unopenable
from tests.integrations.uploads import tus
from tests.integrations.uploads.tus import get_upload, make_file, store_file
from tests.walls import acting_as

CHUNK = upload_body.CHUNK_BYTES


@pytest.fixture
def access(alice) -> UploadAccess:
    integration = alice.integration
    return UploadAccess(
        alice.user.id, alice.organisation.id, integration.id, integration.epoch, LIMITS["mail"]
    )


class Body:
    """A body that breaks off after its bytes, or calls something in the middle of them."""

    def __init__(self, data: bytes, *, breaks: bool = False, before_end=None) -> None:
        self.data, self.breaks, self.before_end = data, breaks, before_end

    def read(self, size: int) -> bytes:
        piece, self.data = self.data[: min(size, 65536)], self.data[min(size, 65536) :]
        if not piece and self.before_end is not None:
            call, self.before_end = self.before_end, None
            call()
        if not piece and self.breaks:
            raise OSError
        return piece


def append(access, upload, body: Body, *, offset: int = 0, length: int | None = None) -> int:
    return upload_body.append_body(access, upload.id, body.read, offset=offset, length=length)


def read_upload(upload, alice, **more) -> bytes:
    to = tus.Outlet(alice.connection.id)
    return b"".join(
        uploads.open_upload(upload, lambda at: tus.make_permit(upload, at, **more), to=to)
    )


class TestInterruptedBody:
    @pytest.mark.scenario("F4")
    @pytest.mark.parametrize("cut", [0, 1, CHUNK, CHUNK + 70_000])
    def test_leaves_what_arrived(self, client, access, alice, cut):
        data = make_file(2 * CHUNK)
        upload = get_upload(client.begin(len(data)))

        with pytest.raises(UploadInterrupted) as interruption:
            append(access, upload, Body(data[:cut], breaks=True))

        upload.refresh_from_db()
        assert (interruption.value.received, upload.received, upload.lease_by) == (cut, cut, None)
        assert append(access, upload, Body(data[cut:]), offset=cut) == len(data)
        assert read_upload(get_upload(f"/uploads/{upload.id}/"), alice) == data

    def test_of_unknown_length_stops_at_the_file_s_end(self, client, access):
        upload = get_upload(client.begin(CHUNK + 5))

        with pytest.raises(UploadTooLarge):
            append(access, upload, Body(bytes(CHUNK + 6)))

        assert tus.list_chunks(upload) == [(0, CHUNK)]


class TestLostLease:
    def test_of_a_stalled_request_stores_nothing(self, client, access):
        upload = get_upload(client.begin(2 * CHUNK))

        def let_another_request_in():
            Upload.objects.update(lease_until=timezone.now())
            append(access, upload, Body(b"abc"), offset=0)

        with pytest.raises(UploadLocked):
            append(access, upload, Body(b"12345", before_end=let_another_request_in))

        assert tus.list_chunks(upload) == [(0, 3)]

    def test_of_a_removed_upload_leaves_no_chunk(self, client, access):
        upload = get_upload(client.begin(2 * CHUNK))
        body = Body(bytes(CHUNK + 5), before_end=lambda: uploads.delete_upload(upload.id))

        with pytest.raises(UploadLocked):
            append(access, upload, body)

        assert not UploadChunk.objects.exists()


class TestDisconnect:
    def test_in_the_middle_of_a_body_ends_it(self, client, access, alice):
        upload = get_upload(client.begin(2 * CHUNK))

        def disconnect():
            Integration.objects.filter(id=alice.integration.id).update(
                status=IntegrationStatus.PURGING, switched_off_at=timezone.now(), epoch=9
            )

        with pytest.raises(DisconnectedError):
            append(access, upload, Body(bytes(CHUNK + 5), before_end=disconnect))

        assert tus.list_chunks(upload) == [(0, CHUNK)]


class TestDescriptor:
    def test_is_sealed(self, client, alice):
        client.create(1, metadata=tus.encode_metadata(filename="secret-plan.pdf"))
        upload = Upload.objects.get()

        assert b"secret-plan" not in upload.descriptor.ciphertext
        with acting_as(ProcessClass.SYNC, alice):
            opened = open_descriptor(upload, alice)
        assert opened == {
            "filename": "secret-plan.pdf",
            "content_type": "application/octet-stream",
        }


def open_descriptor(upload, alice):
    at = timezone.now()
    permit = tus.make_permit(upload, at)
    permit = replace(permit, use=permit.use._replace(data_class=DataClass.MAIL_METADATA))
    text = provider_sink.open_text(
        upload.descriptor, permit, to=tus.Outlet(alice.connection.id), at=at
    )
    return orjson.loads(text)


class TestOpening:
    def test_takes_a_new_permit_when_the_first_has_expired(self, client, alice, monkeypatch):
        data = make_file(3 * CHUNK)
        upload = store_file(client, data)
        began, permits = timezone.now(), []
        times = iter([began, began + timedelta(seconds=59), began + timedelta(seconds=60)])
        monkeypatch.setattr(uploads.timezone, "now", lambda: next(times))

        def get_permit(at):
            permits.append(at)
            return tus.make_permit(upload, at)

        with acting_as(ProcessClass.SYNC, alice):
            opened = list(
                uploads.open_upload(upload, get_permit, to=tus.Outlet(alice.connection.id))
            )

        assert b"".join(opened) == data
        assert [at - began for at in permits] == [timedelta(0), timedelta(seconds=60)]
        assert max(map(len, opened)) == CHUNK

    def test_of_an_empty_file_needs_no_permit(self, client, alice):
        upload = store_file(client, b"")

        assert read_upload(upload, alice) == b""

    def test_stops_at_a_disconnect(self, client, alice):
        upload = store_file(client, make_file(2 * CHUNK))
        opened = uploads.open_upload(
            upload, lambda at: tus.make_permit(upload, at), to=tus.Outlet(alice.connection.id)
        )
        next(opened)
        data_keys.destroy_returning_id(holder=upload.integration_id)

        with pytest.raises(Unopenable):
            next(opened)

    def test_notices_a_missing_chunk(self, client, alice):
        upload = store_file(client, make_file(2 * CHUNK))
        UploadChunk.objects.filter(offset=CHUNK).delete()

        with pytest.raises(UploadIncomplete):
            read_upload(upload, alice)

    @pytest.mark.parametrize("more", [{"purpose": Purpose.INBOX_DISPLAY}, {"account": uuid7()}])
    def test_needs_a_permit_for_this_provider_and_account(self, client, alice, more):
        upload = store_file(client, b"abc")

        with pytest.raises(WrongSink):
            read_upload(upload, alice, **more)


def attach(alice, *upload_ids, command_id=None, **more):
    owner = {
        "integration_id": alice.integration.id,
        "user_id": alice.user.id,
        "organisation_id": alice.organisation.id,
        "at": timezone.now(),
    }
    return uploads.attach_uploads(upload_ids, command_id=command_id or uuid7(), **owner | more)


class TestAttaching:
    def test_gives_files_to_a_command_in_order(self, client, alice):
        files = [store_file(client, data) for data in (b"a", b"b", b"c")]
        command_id = uuid7()

        with acting_as(ProcessClass.WEB, alice):
            attached = attach(alice, files[2].id, files[0].id, command_id=command_id)

        assert [upload.id for upload in attached] == [files[2].id, files[0].id]
        assert {upload.command_id for upload in attached} == {command_id}
        assert uploads.list_uploads(command_id) == [files[0], files[2]]

    def test_of_no_file_is_nothing(self, alice):
        assert attach(alice) == []

    @pytest.mark.parametrize(
        "spoil",
        [
            {"received": 1},
            {"command_id": uuid7()},
            {"expires_at": timezone.now() - timedelta(seconds=1)},
            {"user_id": uuid7()},
            {"organisation_id": uuid7()},
        ],
        ids=lambda spoil: next(iter(spoil)),
    )
    def test_refuses_all_if_one_is_not_ready(self, client, alice, spoil):
        whole, other = store_file(client, b"abc"), store_file(client, b"abc")
        Upload.objects.filter(id=other.id).update(**spoil)

        with pytest.raises(UploadNotReady):
            attach(alice, whole.id, other.id)

        assert Upload.objects.get(id=whole.id).command_id is None

    def test_refuses_another_mailbox_and_a_repeated_or_unknown_file(self, client, alice):
        upload = store_file(client, b"abc")

        with pytest.raises(UploadNotReady):
            attach(alice, upload.id, integration_id=uuid7())
        with pytest.raises(UploadNotReady):
            attach(alice, upload.id, upload.id)
        with pytest.raises(UploadNotReady):
            attach(alice, uuid7())

    def test_can_be_taken_back(self, client, alice):
        upload = store_file(client, b"abc")
        command_id, at = uuid7(), timezone.now()
        attach(alice, upload.id, command_id=command_id)
        Upload.objects.update(expires_at=at)

        assert uploads.detach_uploads(command_id, at=at) == 1

        upload.refresh_from_db()
        assert (upload.command_id, upload.expires_at) == (None, at + uploads.LIFETIME)

    @pytest.mark.claim("stored.outgoing-mail")
    def test_ends_with_the_command(self, client, alice):
        kept = store_file(client, b"abc")
        sent = store_file(client, b"abc")
        command_id = uuid7()
        attach(alice, sent.id, command_id=command_id)

        with acting_as(ProcessClass.SYNC, alice):
            assert uploads.delete_uploads(command_id) == 1

        assert Upload.objects.get() == kept
        assert UploadChunk.objects.get().upload_id == kept.id


class TestSweep:
    def sweep(self):
        with acting_as(ProcessClass.PURGE):
            sweep_uploads()

    @pytest.mark.claim("upload.expired")
    def test_deletes_expired_files_only(self, client, alice):
        expired, sent, open_upload = (store_file(client, b"abc") for _ in range(3))
        attach(alice, sent.id)
        Upload.objects.exclude(id=open_upload.id).update(expires_at=timezone.now())

        self.sweep()

        assert set(Upload.objects.values_list("id", flat=True)) == {sent.id, open_upload.id}
        assert not UploadChunk.objects.filter(upload_id=expired.id).exists()
        assert UploadChunk.objects.count() == 2

    def test_waits_for_a_request_that_writes(self, client):
        upload = store_file(client, b"abc")
        at = timezone.now()
        Upload.objects.update(expires_at=at, lease_by=uuid7(), lease_until=at + timedelta(1))
        self.sweep()
        assert Upload.objects.exists()

        Upload.objects.filter(id=upload.id).update(lease_until=at)
        self.sweep()

        assert not Upload.objects.exists()
