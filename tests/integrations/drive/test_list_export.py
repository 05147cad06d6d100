"""The list of uploads as a file: the owner's rows, whole or said to be incomplete."""

from __future__ import annotations

import csv
import io

import pytest
from django.utils import timezone

from integrations.drive import list_export
from integrations.drive.pages import messages
from integrations.models import DriveFileState
from limited_use.models import Leaf
from tests import drive as drive_rows
from tests.api.test_limited_use import list_entries_since
from tests.database_rows import TABLES_OF_A_RECORD, dump_tables, list_changed_tables
from tests.integrations.drive.tus_files import make_file
from tests.integrations.test_drive_account import disconnect

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-7", "LU-1")]

FILE = "/files/files.csv"


def download(client) -> list[dict[str, str]]:
    answer = client.get(FILE)
    assert answer.status_code == 200
    return read(answer)


def read(answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode(), newline="")))


class TestTheFile:
    @pytest.mark.claim("feature.file-list-export")
    def test_has_what_the_list_has_and_no_bytes(self, alices, files):
        data = make_file(10)
        files.upload(data, filename="Größe, neu.pdf", content_type="application/pdf")
        files.begin(20, filename="Later.txt")
        done, waiting = files.list()[::-1]

        answer = alices.client.get(FILE)
        lines = read(answer)

        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer["Content-Disposition"].startswith('attachment; filename="antares-files-')
        assert [line["filename"] for line in lines] == ["Größe, neu.pdf", "Later.txt"]
        assert [line["state"] for line in lines] == ["done", "waiting"]
        assert lines[0]["link"] == done["link"] != ""
        assert lines[0]["size_bytes"] == "10"
        assert lines[0]["content_type"] == "application/pdf"
        assert lines[0]["finished_at_utc"].endswith("+00:00")
        assert (lines[1]["id"], lines[1]["finished_at_utc"]) == (waiting["id"], "")
        assert data not in answer.getvalue()

    @pytest.mark.claim("feature.file-list-export", "stored.no-copy")
    def test_is_not_kept_by_antares(self, alices, files):
        files.begin(10, filename="Later.txt")
        before = dump_tables()

        assert [line["filename"] for line in download(alices.client)] == ["Later.txt"]

        assert list_changed_tables(before) <= TABLES_OF_A_RECORD

    def test_is_recorded_once_for_each_part(self, alices, files):
        files.begin(20)
        files.begin(30)
        before = Leaf.objects.count()

        download(alices.client)

        [entry] = list_entries_since(before)
        assert (entry["rule"], entry["count"]) == ("owner-exports-own-uploads", 2)

    def test_is_whole_if_it_has_several_parts(self, alices, drive, monkeypatch):
        monkeypatch.setattr(list_export, "_MAX_FILES", 2)
        made = [drive_rows.make_drive_file(drive, timezone.now()) for _ in range(5)]

        assert [line["id"] for line in download(alices.client)] == [str(file.id) for file in made]

    def test_of_an_empty_list_has_its_columns(self, alices, drive):
        answer = alices.client.get(FILE)

        assert answer.getvalue().decode().strip().split(",") == list(list_export.COLUMNS)

    @pytest.mark.scenario("F3")
    @pytest.mark.parametrize("begin", ["=", "+", "-", "@", " =", "\uff1d", "\u3000\uff0b"])
    def test_has_no_name_that_a_spreadsheet_runs(self, alices, files, begin):
        files.begin(10, filename=f"{begin}HYPERLINK(1).txt")

        assert download(alices.client)[0]["filename"] == f"'{begin}HYPERLINK(1).txt"

    @pytest.mark.claim("feature.file-list-export")
    def test_has_nothing_of_anybody_else(self, browser_of, bob, files):
        files.begin(10)

        assert download(browser_of(bob).client) == []

    @pytest.mark.invariant(5)
    def test_ends_with_the_connection_and_says_so(self, alices, drive, monkeypatch):
        monkeypatch.setattr(list_export, "_MAX_FILES", 1)
        for _ in range(3):
            drive_rows.make_drive_file(drive, timezone.now())
        parts = iter(alices.client.get(FILE).streaming_content)
        head_and_first = next(parts), next(parts)

        disconnect(drive)

        assert all(head_and_first)
        assert b"".join(parts).decode().startswith(",The list is incomplete.")

    def test_is_limited(self, alices, files):
        files.begin(10)
        for _ in range(list_export.RATE.limit):
            download(alices.client)

        answer = alices.client.get(FILE, follow=True)

        assert str(messages.TOO_MANY_LISTS) in answer.text

    def test_is_offered_below_the_list(self, alices, files):
        assert FILE not in alices.client.get("/files/").text
        files.begin(10)
        assert FILE in alices.client.get("/files/").text


class TestRows:
    def test_are_of_every_state(self, alices, drive):
        for state in DriveFileState:
            problem = "rejected" if state == DriveFileState.FAILED else ""
            drive_rows.make_drive_file(drive, timezone.now(), state=state, problem=problem)

        states = [line["state"] for line in download(alices.client)]

        assert states == list(DriveFileState)
