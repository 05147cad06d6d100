"""Files by tus through the API into the sandbox's Drive: each exactly once, and byte-equal."""

from __future__ import annotations

import pytest

from integrations.models import DriveFile, DriveFileState, DriveFolder, Integration
from tests.integrations.drive.tus_files import UNIT, make_checksum, make_file

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
