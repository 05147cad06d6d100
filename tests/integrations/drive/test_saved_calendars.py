"""Antares calendars that their owner saves in a Drive: as iCalendar files, one order each."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from accounts.models import Membership
from integrations.access import drive_permits
from integrations.calendar import calendar_source, ics_export
from integrations.drive import file_check
from integrations.models import (
    Calendar,
    DriveFile,
    DriveFileProblem,
    DriveFileState,
    FileSourceKind,
)
from limited_use.guard.guard import AccessRefused
from limited_use.models import Leaf
from tests.factories import actor_for
from tests.integrations.calendar import local_house
from tests.integrations.drive import saving
from tests.integrations.drive.conftest import WorkerDied

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-7", "W-LU2")]

STAMP = re.compile(rb"DTSTAMP:\d{8}T\d{6}Z")


@pytest.fixture
def owner(alices):
    return actor_for(alices.user, Membership.objects.get(user=alices.user).organisation)


@pytest.fixture
def calendar(owner, drive) -> Calendar:
    calendar_id = local_house.create_local_calendar(owner, "Family")
    for number in range(3):
        content = local_house.event(
            f"Dinner {number}", datetime(2026, 12, 1 + number, 18, tzinfo=UTC)
        )
        local_house.write_events(
            owner, calendar_id, local_house.make_local_input(f"dinner-{number}", content)
        )
    return Calendar.objects.get(id=calendar_id)


@pytest.fixture
def address(calendar) -> str:
    return f"/files/save/calendars/{calendar.id}/"


@pytest.fixture
def ordered(alices, drive, address) -> DriveFile:
    alices.client.post(address, {"drive": str(drive.id), "agree": "yes"})
    return DriveFile.objects.get()


def without_times(data: bytes) -> bytes:
    return STAMP.sub(b"DTSTAMP:", data)


def read_saved(files) -> bytes:
    (remote,) = files.list_remote()
    return files.sandbox.drive_content("alice.box@example.com", remote["id"])


class TestOrder:
    @pytest.mark.claim("drive-save.crossing", "drive-save.calendar-copy")
    def test_needs_the_page_that_names_the_account(self, alices, drive, calendar, address):
        clicked = alices.client.post(address)
        page = alices.client.get(address).content.decode()

        assert clicked["Location"] == address
        assert not DriveFile.objects.exists()
        assert "This file leaves Antares and goes to your Google Drive." in page
        assert "alice.box@example.com" in page
        assert "Family" in page

    def test_is_offered_where_a_drive_is_connected(self, alices, calendar, address):
        page = alices.client.get(f"/settings/calendars/{calendar.id}/").content.decode()

        assert f'href="{address}"' in page

    def test_of_somebody_else_is_not_there(self, calendar, address, bob, browser_of):
        assert browser_of(bob).client.get(address).status_code == 404
        assert browser_of(bob).client.post(address).status_code == 404


class TestFile:
    def test_is_the_one_that_can_be_downloaded(self, ordered, owner, calendar, files):
        saving.run_worker()

        download = b"".join(
            ics_export.stream_calendar(actor=owner, calendar_id=calendar.id, now=timezone.now)
        )
        saved = read_saved(files)
        files.check_remote(saved)
        assert without_times(saved) == without_times(download)
        assert saved.count(b"BEGIN:VEVENT") == 3
        file = DriveFile.objects.get()
        assert (file.source, file.state) == (FileSourceKind.CALENDAR, DriveFileState.DONE)
        assert files.list_remote()[0]["mime_type"] == "text/calendar"
        assert files.list_remote()[0]["name"] == calendar_source.make_filename(file.created_at)

    def test_leaves_entries_about_both_kinds_of_data(self, ordered):
        saving.run_worker()

        entries = [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.order_by("id")]
        saved = [
            entry
            for entry in entries
            if entry.get("purpose") == "drive.upload" and entry["class"].startswith("calendar")
        ]
        assert {entry["recipient"] for entry in saved} == {"other_own_account"}
        assert {entry["class"] for entry in saved} == {"calendar.event", "calendar.freebusy"}

    @pytest.mark.scenario("F4")
    def test_is_sent_again_from_its_first_byte_after_a_death(  # noqa: PLR0917 - fixtures
        self, ordered, files, run_dying, owner, calendar, monkeypatch
    ):
        # Each part is larger than a chunk.
        monkeypatch.setattr(ics_export, "_MAX_EVENTS", 1)
        monkeypatch.setattr(
            ics_export.calendar_file_writer, "write_end", lambda: b"X" * 600_000 + b"\r\n"
        )
        run_dying()
        saving.expire_leases()

        saving.run_worker()

        saved = read_saved(files)
        files.check_remote(saved)
        assert saved.count(b"BEGIN:VCALENDAR") == 1
        assert DriveFile.objects.get().session_count == 2

    def test_is_settled_if_the_worker_died_after_its_last_byte(self, ordered, files, monkeypatch):
        monkeypatch.setattr(file_check, "settle_complete_file", die)
        with pytest.raises(WorkerDied):
            saving.run_worker()
        monkeypatch.undo()
        saving.expire_leases()

        saving.run_worker()

        files.check_remote(read_saved(files))
        file = DriveFile.objects.get()
        assert (file.state, file.session_count) == (DriveFileState.DONE, 1)

    def test_of_a_removed_calendar_is_not_saved(self, ordered, owner, calendar, files):
        Calendar.objects.filter(id=calendar.id).update(gone_at=timezone.now())

        saving.run_worker()

        assert DriveFile.objects.get().problem == DriveFileProblem.SOURCE_GONE
        assert files.list_remote() == []


class TestPolicy:
    @pytest.mark.invariant(1)
    @pytest.mark.parametrize(
        "changes", [{"crossing_at": None}, {"proposed_by": "recordings"}, {"state": "cancelled"}]
    )
    def test_refuses_what_the_owner_did_not_order(self, ordered, calendar, changes):
        DriveFile.objects.update(**changes)
        ordered.refresh_from_db()

        with pytest.raises(AccessRefused):
            drive_permits.to_save_calendar(
                file=ordered, calendar=calendar, count=1, at=timezone.now()
            )


def die(*_):
    raise WorkerDied
