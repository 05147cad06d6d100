"""Files by tus through the API into the sandbox's Drive: each exactly once, and byte-equal."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django.utils.html import escape

from integrations import purge
from integrations.connections import automatic_disconnect
from integrations.models import (
    DriveFile,
    DriveFileState,
    DriveFolder,
    Integration,
    PurgeTrigger,
)
from integrations.providers import errors, provider_http
from integrations.providers.provider_access import ProviderAccess
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.rules import RULES
from tests.api.schema import problem
from tests.integrations.drive.tus_files import UNIT, make_checksum, make_file
from tests.integrations.google import ALICE_BOX

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-7")]

MIB = 1024 * 1024


class TestUpload:
    def test_reaches_the_drive_once(self, files, drive):
        data = make_file(3 * MIB + 5)

        address = files.upload(data, filename="Plan.pdf", content_type="application/pdf")

        remote = files.check_remote(data)
        assert (remote["name"], remote["mime_type"]) == ("Plan.pdf", "application/pdf")
        row = files.read(address)
        assert (row["state"], row["received"], row["size"]) == ("done", len(data), len(data))
        assert (row["filename"], row["is_namesake"], row["problem"]) == ("Plan.pdf", False, None)
        assert row["link"]
        assert Integration.objects.get(id=drive.id).saved_file_count == 1

    @pytest.mark.parametrize("filename", ["Minutes 10:30.docx", "Why?.pdf", 'It\'s "a" <b>.txt'])
    def test_keeps_its_name(self, alices, files, filename):
        data = make_file(10)

        address = files.upload(data, filename=filename)

        assert files.check_remote(data)["name"] == filename
        assert files.read(address)["filename"] == filename
        assert escape(filename) in alices.client.get("/files/").text
        files.upload(make_file(11), filename=filename)
        assert [row["is_namesake"] for row in files.list()] == [True, False]

    def test_has_no_folder_in_its_name(self, files):
        data = make_file(10)

        files.upload(data, filename="../C:\\Plan\u202e.pdf")

        assert files.check_remote(data)["name"] == ".._C:_Plan.pdf"

    def test_goes_to_a_folder_of_antares(self, files):
        files.upload(make_file(10))
        files.upload(make_file(11), filename="b.bin")

        (folder,) = [file for file in files.list_everything() if "folder" in file["mime_type"]]
        assert folder["name"] == "Antares"
        assert {tuple(file["parents"]) for file in files.list_remote()} == {(folder["id"],)}
        assert DriveFolder.objects.count() == 1

    def test_of_no_byte_is_completed_by_a_worker(self, files, run_worker):
        files.begin(0)
        run_worker()

        files.check_remote(b"")
        assert DriveFile.objects.get().state == DriveFileState.DONE

    def test_in_pieces_is_compared_by_a_worker(self, files, run_worker):
        data = make_file(4 * UNIT + 17)
        address = files.begin(len(data))
        for offset in range(0, len(data), UNIT):
            answer = files.send(
                address,
                data[offset : offset + UNIT],
                offset=offset,
                **{"Upload-Checksum": make_checksum(data[offset : offset + UNIT])},
            )
            assert answer.status_code == 204, answer.content
            assert int(answer["Upload-Offset"]) == min(offset + UNIT, len(data))
        assert files.read(address)["state"] == "checking"

        run_worker()

        files.check_remote(data)
        assert files.read(address)["state"] == "done"

    def test_takes_what_the_drive_takes_of_a_piece(self, files, run_worker):
        data = make_file(3 * UNIT)
        address = files.begin(len(data))

        answer = files.send(address, data[: UNIT + 100])

        assert int(answer["Upload-Offset"]) == UNIT
        files.finish(address, data)
        run_worker()
        files.check_remote(data)


class TestPreparation:
    """What is asked before the upload session is opened."""

    NAMESAKES = "/drive/v3/files"

    def test_is_one_request(self, files, monkeypatch):
        files.upload(make_file(10))
        paths = []
        send_request = provider_http.send_request

        def note(method, url, *arguments, **more):
            paths.append(urlsplit(url).path)
            return send_request(method, url, *arguments, **more)

        monkeypatch.setattr(provider_http, "send_request", note)

        files.upload(make_file(11), filename="b.bin")

        assert paths == ["/batch/drive/v3", "/upload/drive/v3/files", "/upload/drive/v3/files"]

    @pytest.mark.parametrize("status", [429, 500, 503])
    @pytest.mark.parametrize("ending", ["/generateIds", "/files", "folder"])
    def test_is_repeated_if_a_part_of_it_fails(self, files, google, ending, status):
        files.upload(make_file(10))
        ending = get_folder_id(files) if ending == "folder" else ending
        google.fail_next(path_prefix="/drive/v3/", path_suffix=ending, status=status)
        address = files.begin(11, filename="b.bin")

        assert files.send(address, make_file(11)).status_code == 503
        files.finish(address, make_file(11))

        assert files.read(address)["state"] == "done"
        assert [file["creations"] for file in files.list_remote()] == [1, 1]

    @pytest.mark.parametrize("prefix", ["/drive/v3/", "/batch/drive/v3", "/upload/drive/v3/files"])
    def test_says_that_the_provider_limited_it(self, files, google, prefix):
        address = files.begin(11)
        google.fail_next(path_prefix=prefix, status=429)

        answer = files.send(address, make_file(11))

        said = problem(answer, 503, "provider-rate-limited")
        assert (said["limited_by"], said["provider"]["status"]) == ("provider", 429)
        assert "limit" not in said

    def test_finds_no_namesake_if_the_search_is_refused_with_404(self, files, google):
        files.upload(make_file(10))
        google.fail_next(path_prefix=self.NAMESAKES, path_suffix=self.NAMESAKES, status=404)

        files.upload(make_file(11))

        assert [row["is_namesake"] for row in files.list()] == [False, False]

    def test_asks_for_a_new_token_if_the_parts_are_refused(self, files, google, monkeypatch):
        files.upload(make_file(10))
        google.expire_access(ALICE_BOX)
        refusals = []

        def renew(_, refusal):
            refusals.append(refusal.status)
            raise errors.Unavailable("no worker in this test")

        monkeypatch.setattr(ProviderAccess, "renew", renew)

        assert files.send(files.begin(11), make_file(11)).status_code == 503
        assert refusals == [401]


class TestOwnFolder:
    """The folder that Antares creates: one, however uploads are interleaved."""

    @pytest.mark.parametrize("is_before", [True, False])
    def test_is_one_for_uploads_at_the_same_time(self, files, during_creation, is_before):
        during_creation(lambda: files.upload(make_file(11), filename="b.bin"), is_before=is_before)

        files.upload(make_file(10))

        folder_id = get_folder_id(files)
        assert [file["parents"] for file in files.list_remote()] == [[folder_id]] * 2
        files.upload(make_file(12), filename="c.bin")
        assert [file["parents"] for file in files.list_remote()] == [[folder_id]] * 3

    @pytest.mark.parametrize("change", [{"trashed": True}, {"deleted": True}])
    def test_is_created_again_if_it_was_deleted(self, files, google, change):
        files.upload(make_file(10))
        google.change_file(ALICE_BOX, get_folder_id(files), **change)

        files.upload(make_file(11), filename="b.bin")
        files.upload(make_file(12), filename="c.bin")

        folder_id = get_folder_id(files)
        remote = {file["name"]: file["parents"] for file in files.list_remote()}
        assert remote["b.bin"] == remote["c.bin"] == [folder_id]

    def test_is_created_again_if_it_was_deleted_at_once(self, files, google, during_creation):
        def delete() -> None:
            google.change_file(ALICE_BOX, get_folder_id(files), trashed=True)
            files.upload(make_file(11), filename="b.bin")

        during_creation(delete, is_before=False)

        files.upload(make_file(10))

        folder_id = get_folder_id(files)
        assert [file["parents"] for file in files.list_remote()] == [[folder_id]] * 2

    def test_is_one_after_a_lost_answer(self, files, during_creation):
        def lose_answer() -> None:
            raise errors.OutcomeUnknown("lost")

        during_creation(lose_answer, is_before=False)
        address = files.begin(10)
        assert files.send(address, make_file(10)).status_code == 503

        files.finish(address, make_file(10))

        assert files.check_remote(make_file(10))["parents"] == [get_folder_id(files)]


def get_folder_id(files) -> str:
    """Return the id of the only folder that is not in the trash."""
    (folder,) = [
        file
        for file in files.list_everything()
        if "folder" in file["mime_type"] and not file["trashed"]
    ]
    assert folder["name"] == "Antares"
    return folder["id"]


@pytest.mark.clause("LU-1", "W-LU1")
class TestDisclosure:
    @pytest.mark.claim("feature.drive", "feature.drive-disclosure")
    def test_holds_for_what_is_kept_and_seen(self, files, drive, transactional_db):
        files.sandbox.add_file(ALICE_BOX, "private.txt")
        before = files.list_everything()
        assert files.list() == []
        data = b"bytes of the owner " * 100

        address = files.upload(data, filename="Plan of the owner.txt", content_type="text/plain")

        # Nothing but the chosen file came into the Drive, and the folder of Antares.
        assert len(files.list_everything()) == len(before) + 2
        (row,) = files.list()
        assert (row["filename"], row["size"], row["state"]) == (
            "Plan of the owner.txt",
            len(data),
            "done",
        )
        stored = read_rows("integrations_drivefile", "integrations_drivefolder")
        for secret in (b"bytes of the owner", b"Plan of the owner", b"private"):
            assert secret not in stored
            assert secret.hex().encode() not in stored
        assert files.http.delete(address).status_code == 204
        assert files.list() == []
        remote = next(file for file in files.list_remote() if file["size"] == len(data))
        assert files.sandbox.drive_content(ALICE_BOX, remote["id"]) == data

    @pytest.mark.claim("feature.drive-disclosure")
    @pytest.mark.parametrize(
        "sentence",
        [
            FEATURES["drive"].disclosure,
            next(rule.says for rule in RULES if rule.id == "keep-own-uploads"),
        ],
        ids=["disclosure", "rule"],
    )
    def test_names_what_the_row_has_encrypted_and_in_clear(
        self, files, drive, transactional_db, sentence
    ):
        size = 123_457
        files.upload(make_file(size), filename="Plan.odd", content_type="text/x-odd")
        file = DriveFile.objects.get()
        values = {
            "names": "Plan.odd",
            "types": "text/x-odd",
            "sizes": str(size),
            "times": file.created_at.strftime("%Y-%m-%d %H:%M:%S"),
            "states": "done",
        }
        said = re.search(
            r"the ([a-z, ]+) of your uploads, encrypted,(?: and)? their ([a-z, ]+), not encrypted",
            str(sentence),
        )
        sealed, clear = (re.split(", | and ", words) for words in said.groups())

        stored = read_rows("integrations_drivefile").decode()

        assert sorted(sealed + clear) == sorted(values)
        assert {word for word in values if values[word] in stored} == set(clear)
        hidden = [values[word].encode().hex() for word in sealed]
        assert not [text for text in hidden if text in stored]

    @pytest.mark.claim("feature.drive-disclosure")
    def test_holds_after_the_drive_is_disconnected(self, files, drive, transactional_db):
        data = make_file(10)
        files.upload(data)

        with transaction.atomic():
            job = automatic_disconnect.disconnect_in_transaction(
                integration=drive, trigger=PurgeTrigger.OWNER, at=timezone.now()
            )
        while purge.run_purge(job_id=job.id) != "done":
            pass

        assert not DriveFile.objects.exists()
        assert not DriveFolder.objects.exists()
        files.check_remote(data)


def read_rows(*tables: str) -> bytes:
    """Return the rows of tables as the database writes them."""
    with connection.cursor() as cursor:
        rows = []
        for table in tables:
            cursor.execute(f"SELECT t::text FROM {table} t")  # noqa: S608 - no input
            rows += [row for (row,) in cursor.fetchall()]
    return "\n".join(rows).encode()
