"""tus 1.0 over HTTP: what each request and each misuse of it is answered."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.ids import uuid7
from integrations.coordination import person_slots
from integrations.models import Integration, IntegrationStatus, Upload, UploadChunk
from integrations.outbox import upload_body, uploads
from limited_use.agreements import consents
from tests.api import cast, schema
from tests.integrations.uploads import tus
from tests.integrations.uploads.tus import TusClient, encode_metadata, get_upload, make_file

UNKNOWN = f"/uploads/{uuid7()}/"


def check_refusal(answer, status: int, code: str) -> None:
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert answer["Tus-Resumable"] == "1.0.0"
    schema.check_problem(problem)


class TestOptions:
    def test_describe_the_protocol(self, hers):
        answer = hers.options("/uploads/")

        assert answer.status_code == 204
        assert answer["Tus-Version"] == answer["Tus-Resumable"] == "1.0.0"
        assert answer["Tus-Extension"] == "creation,expiration,termination,checksum"
        assert answer["Tus-Max-Size"] == "35000000"
        assert answer["Cache-Control"] == "private, no-store"


class TestCreation:
    def test_answers_with_the_address(self, client, alice):
        answer = client.create(7, metadata=encode_metadata(filename="a.txt"))

        upload = Upload.objects.get()
        assert (answer.status_code, answer["Location"]) == (201, f"/uploads/{upload.id}/")
        assert (upload.size, upload.received, upload.command_id) == (7, 0, None)
        assert (upload.user_id, upload.integration_id) == (alice.user.id, alice.integration.id)
        left = parsedate_to_datetime(answer["Upload-Expires"]) - timezone.now()
        assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)

    @pytest.mark.parametrize("size", ["", "-1", "x", "1.5"])
    def test_needs_a_length(self, client, size):
        answer = client.create(size)

        check_refusal(answer, 400, "bad-request")
        assert answer.json()["errors"][0]["parameter"] == "Upload-Length"
        assert not Upload.objects.exists()

    def test_refuses_metadata_that_cannot_be_read(self, client):
        check_refusal(client.create(1, metadata="filename !"), 400, "bad-request")

    def test_refuses_a_file_beyond_the_limit(self, client):
        check_refusal(client.create(35_000_001), 413, "file-too-large")
        assert client.create(35_000_000).status_code == 201

    def test_counts_all_files_that_were_not_sent(self, client):
        assert client.create(20_000_000).status_code == 201

        check_refusal(client.create(15_000_001), 409, "too-many-files")
        Upload.objects.update(command_id=uuid7())
        check_refusal(client.create(15_000_001), 409, "too-many-files")
        assert client.create(15_000_000).status_code == 201

    def test_forgets_expired_files(self, client):
        client.create(35_000_000)
        Upload.objects.update(expires_at=timezone.now())

        assert client.create(35_000_000).status_code == 201

    def test_is_bounded_for_a_person(self, client):
        for _ in range(25):
            assert client.create(0).status_code == 201

        check_refusal(client.create(0), 409, "too-many-files")

    @pytest.mark.parametrize("mailbox", ["", "x", "00000000-0000-7000-8000-000000000000"])
    def test_needs_a_mailbox(self, hers, mailbox):
        check_refusal(TusClient(hers, mailbox).create(1), 404, "not-found")

    def test_refuses_another_persons_mailbox(self, alice, mallory):
        hers = TusClient(cast.browser(mallory.user), alice.integration.id)

        check_refusal(hers.create(1), 404, "not-found")
        assert not Upload.objects.exists()

    def test_refuses_a_mailbox_that_was_disconnected(self, client, alice):
        Integration.objects.filter(id=alice.integration.id).update(
            status=IntegrationStatus.PURGING, switched_off_at=timezone.now()
        )

        check_refusal(client.create(1), 404, "not-found")

    def test_refuses_a_product_without_files(self, client, alice):
        Integration.objects.filter(id=alice.integration.id).update(product="calendar")

        check_refusal(client.create(1), 404, "not-found")


class TestVersion:
    @pytest.mark.parametrize("version", [{}, {"Tus-Resumable": "0.2.2"}])
    def test_is_needed(self, hers, client, version):
        address = client.begin(1)
        for answer in (
            hers.post(f"/uploads/?mailbox={client.mailbox}", headers=version),
            hers.patch(address, b"x", content_type=tus.BODY_TYPE, headers=version),
            hers.delete(address, headers=version),
        ):
            check_refusal(answer, 412, "upload-version")
            assert answer["Tus-Version"] == "1.0.0"
        assert Upload.objects.get().received == 0


class TestBody:
    def test_is_stored_in_sealed_chunks(self, client):
        data = make_file(tus.MIB + 7)
        address = client.begin(len(data))

        answer = client.send(address, data)

        assert (answer.status_code, answer["Upload-Offset"]) == (204, str(len(data)))
        upload = get_upload(address)
        size = upload_body.CHUNK_BYTES
        assert tus.list_chunks(upload) == [(0, size), (size, size), (2 * size, 7)]
        assert (upload.received, upload.lease_by) == (len(data), None)
        for chunk in UploadChunk.objects.all():
            assert data[chunk.offset : chunk.offset + 32] not in chunk.content.ciphertext

    @pytest.mark.scenario("F4")
    @pytest.mark.parametrize("cut", [1, upload_body.CHUNK_BYTES - 1, upload_body.CHUNK_BYTES])
    def test_continues_where_an_earlier_one_ended(self, client, alice, cut):
        data = make_file(2 * upload_body.CHUNK_BYTES)
        address = client.begin(len(data))

        assert client.send(address, data[:cut])["Upload-Offset"] == str(cut)
        assert client.ask(address)["Upload-Offset"] == str(cut)
        assert client.send(address, data[cut:], offset=cut).status_code == 204

        upload = get_upload(address)
        opened = uploads.open_upload(
            upload,
            lambda at: tus.make_permit(upload, at),
            to=tus.Outlet(alice.connection.id),
        )
        assert b"".join(opened) == data

    @pytest.mark.parametrize("offset", ["1", "99"])
    def test_must_continue_there(self, client, offset):
        address = client.begin(5)

        check_refusal(client.send(address, b"x", offset=offset), 409, "upload-offset")
        assert get_upload(address).received == 0

    @pytest.mark.parametrize("offset", ["", "-1", "x"])
    def test_needs_an_offset(self, client, offset):
        check_refusal(client.send(client.begin(5), b"x", offset=offset), 400, "bad-request")

    def test_may_be_empty(self, client):
        address = client.begin(5)

        assert client.send(address, b"")["Upload-Offset"] == "0"

    def test_beyond_the_announced_size_is_refused_as_a_whole(self, client):
        address = client.begin(5)
        client.send(address, b"123")

        check_refusal(client.send(address, b"456", offset=3), 413, "file-too-large")
        assert tus.list_chunks(get_upload(address)) == [(0, 3)]

    def test_to_a_complete_file_is_refused(self, client):
        address = client.begin(3)
        client.send(address, b"123")

        check_refusal(client.send(address, b"4", offset=3), 413, "file-too-large")
        assert client.send(address, b"", offset=3).status_code == 204

    @pytest.mark.parametrize(
        "content_type", ["application/json", "multipart/form-data; boundary=a"]
    )
    def test_of_another_type_is_refused(self, hers, client, content_type):
        address = client.begin(5)
        headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0"}

        answer = hers.patch(address, b"12345", content_type=content_type, headers=headers)

        check_refusal(answer, 415, "wrong-media-type")
        assert get_upload(address).received == 0

    def test_in_too_many_pieces_is_refused(self, client, monkeypatch):
        monkeypatch.setattr(upload_body, "SPARE_CHUNKS", 3)
        address = client.begin(10)
        for offset in range(3):
            assert client.send(address, b"x", offset=offset).status_code == 204

        check_refusal(client.send(address, b"x", offset=3), 422, "upload-fragmented")

    def test_of_a_locked_upload_is_refused(self, client):
        address = client.begin(5)
        Upload.objects.update(lease_by=uuid7(), lease_until=timezone.now() + timedelta(seconds=5))

        answer = client.send(address, b"x")

        check_refusal(answer, 423, "upload-locked")
        assert answer["Retry-After"] == "2"
        # After a web process died, its lease ends.
        Upload.objects.update(lease_until=timezone.now())
        assert client.send(address, b"x").status_code == 204

    def test_of_a_third_file_at_a_time_is_refused(self, client, alice):
        address = client.begin(5)
        with (
            person_slots.hold_upload_slot(alice.user.id),
            person_slots.hold_upload_slot(alice.user.id),
        ):
            check_refusal(client.send(address, b"x"), 429, "too-many-uploads")

        assert client.send(address, b"x").status_code == 204


class TestState:
    def test_has_offset_length_and_end(self, client):
        address = client.begin(5)
        client.send(address, b"123")

        answer = client.ask(address)

        assert (answer.status_code, answer.content) == (200, b"")
        assert (answer["Upload-Offset"], answer["Upload-Length"]) == ("3", "5")
        assert answer["Upload-Expires"]
        assert "no-store" in answer["Cache-Control"]


class TestRemoval:
    def test_leaves_nothing(self, client):
        address = client.begin(5)
        client.send(address, b"123")

        assert client.remove(address).status_code == 204
        assert not Upload.objects.exists()
        assert not UploadChunk.objects.exists()
        check_refusal(client.remove(address), 404, "not-found")


class TestUnavailableUpload:
    def send_all(self, client: TusClient, address: str):
        return [client.ask(address), client.send(address, b"x"), client.remove(address)]

    def test_is_unknown(self, client):
        for answer in self.send_all(client, UNKNOWN):
            assert answer.status_code == 404

    def test_is_another_persons(self, client, bob, mallory):
        address = client.begin(5)
        for other in (bob, mallory):
            theirs = TusClient(cast.browser(other.user), other.integration.id)
            for answer in self.send_all(theirs, address):
                assert answer.status_code == 404
        assert get_upload(address).received == 0

    def test_has_expired(self, client):
        address = client.begin(5)
        Upload.objects.update(expires_at=timezone.now())

        for answer in self.send_all(client, address):
            assert answer.status_code == 410
        check_refusal(client.send(address, b"x"), 410, "upload-expired")

    def test_is_being_sent(self, client):
        address = client.begin(5)
        Upload.objects.update(command_id=uuid7())

        for answer in self.send_all(client, address):
            assert answer.status_code == 404
        assert Upload.objects.exists()


class TestAgreement:
    def test_is_needed(self, alice, hers):
        check_refusal(TusClient(hers, alice.integration.id).create(1), 403, "limited-use-refused")
        assert not Upload.objects.exists()

    def test_that_ends_stops_an_upload(self, client, alice):
        address = client.begin(5)
        with transaction.atomic():
            consents.withdraw(
                person_id=alice.user.id,
                organisation_id=alice.organisation.id,
                feature="mail-sending",
                at=timezone.now(),
            )

        check_refusal(client.send(address, b"x"), 403, "limited-use-refused")
        assert client.remove(address).status_code == 204


class TestCaller:
    def test_must_be_signed_in(self, client, client_without_session):
        address = client.begin(5)
        nobody = TusClient(client_without_session, client.mailbox)

        check_refusal(nobody.create(1), 401, "not-authenticated")
        check_refusal(nobody.send(address, b"x"), 401, "not-authenticated")
        assert get_upload(address).received == 0

    def test_needs_a_form_token(self, alice, client):
        address = client.begin(5)
        foreign = TusClient(cast.browser(alice.user, strict=True), client.mailbox)

        check_refusal(foreign.create(1), 403, "not-permitted")
        check_refusal(foreign.send(address, b"x"), 403, "not-permitted")
        check_refusal(foreign.remove(address), 403, "not-permitted")
        assert get_upload(address).received == 0

    def test_is_no_feature(self, widget, client):
        address = client.begin(5)
        feature = TusClient(widget, client.mailbox)

        check_refusal(feature.create(1), 403, "not-permitted")
        check_refusal(feature.send(address, b"x"), 403, "not-permitted")
        assert get_upload(address).received == 0
