from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from integrations.drive import source_uploads, upload_worker
from integrations.drive.file_transfer import FileTransfer
from integrations.models import AttemptOutcome, DriveFile, Integration
from integrations.operations.file_sources import SOURCES
from integrations.providers.google.google_drive_adapter import GoogleDriveAdapter
from tests.factories import as_agreed
from tests.integrations.drive import saving
from tests.integrations.drive.tus_files import UNIT, FileClient
from tests.integrations.google import (  # noqa: F401 - fixtures
    ALICE_BOX,
    acme,
    alice,
    bob,
    browser_of,
    google,
)

DRIVE = {"product": "drive", "version": as_agreed("drive")}


@pytest.fixture
def alices(browser_of, alice):  # noqa: F811
    return browser_of(alice)


@pytest.fixture
def drive(alices) -> Integration:
    """Alice's connected Drive."""
    address = alices.begin(None, **DRIVE)
    alices.arrive(alices.sandbox.consent(address, email=ALICE_BOX))
    assert alices.attempt().outcome == AttemptOutcome.CONNECTED
    return Integration.objects.select_related("connection").get(product="drive")


@pytest.fixture
def files(alices, drive) -> FileClient:
    return FileClient(alices.client, alices.sandbox)


@pytest.fixture
def run_worker():
    """Do what is due, as the sweep and its tasks would."""

    def run() -> None:
        for file_id in upload_worker.list_due_ids(at=timezone.now()):
            upload_worker.upload_file(SOURCES, file_id)

    return run


@pytest.fixture
def get_file():
    return DriveFile.objects.get


class WorkerDied(BaseException):
    """As the process would end: nothing is put in order."""


@pytest.fixture
def during_upload(monkeypatch):
    """Return a function that has something done once the Drive has the first chunk."""
    monkeypatch.setattr(source_uploads, "CHUNK_BYTES", UNIT)
    note_stored = FileTransfer.note_stored
    counts = {"chunks": 0}

    def plan(act, *, after: int = 1) -> None:
        def note(transfer, stored):
            note_stored(transfer, stored)
            counts["chunks"] += 1
            if counts["chunks"] == after:
                act()

        monkeypatch.setattr(FileTransfer, "note_stored", note)

    return plan


@pytest.fixture
def run_dying(during_upload):
    """Return a function that runs a worker which dies in the middle of an upload."""

    def die():
        raise WorkerDied

    def run(*, after: int = 1) -> None:
        during_upload(die, after=after)
        with pytest.raises(WorkerDied):
            saving.run_worker()

    return run


@pytest.fixture
def during_creation(monkeypatch):
    """Return a function that has something done while the Drive creates a folder."""
    create_folder = GoogleDriveAdapter.create_folder

    def plan(act: Callable[[], object], *, is_before: bool) -> None:
        def create(adapter, *args):
            monkeypatch.setattr(GoogleDriveAdapter, "create_folder", create_folder)
            if is_before:
                act()
                return create_folder(adapter, *args)
            folder = create_folder(adapter, *args)
            act()
            return folder

        monkeypatch.setattr(GoogleDriveAdapter, "create_folder", create)

    return plan
