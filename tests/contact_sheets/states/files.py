"""Files for a Drive: the list, what is sent, the folder, and the question before the trash."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import orjson
from django.conf import settings as django_settings

from accounts.ids import uuid7
from integrations.models import (
    DriveFile,
    DriveFileProblem,
    DriveFileState,
    DriveFolder,
    FileSourceKind,
    Integration,
    IntegrationStatus,
)
from limited_use.vault import sealing
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group

GROUP = Group("files", "Files for a Drive")
FILES = "/files/"
PROBLEMS = [problem for problem in DriveFileProblem if problem]
LINK = "https://drive.google.com/file/d/1/view"
MIB = 1024 * 1024


@GROUP.state()
def no_drive(stage):
    return stage.add_newcomer().get(FILES)


@GROUP.state()
def no_drive_is_offered(stage):
    stage.change_settings(GOOGLE=replace(django_settings.GOOGLE, client_id=""))
    return stage.add_newcomer().get(FILES)


@GROUP.state()
def no_files(stage):
    _connect_drive(stage)
    return stage.alice.get(FILES)


@GROUP.state()
def folder_of_antares(stage):
    drive = _connect_drive(stage)
    _add_folder(drive, "Antares", is_chosen=False)
    return stage.alice.get(FILES)


@GROUP.state()
def folder_chosen(stage):
    drive = _connect_drive(stage)
    _add_folder(drive, "Contracts and invoices of 2026", is_chosen=True)
    return stage.alice.get(FILES)


@GROUP.state()
def two_drives(stage):
    first = _connect_drive(stage)
    _add_folder(first, "Antares", is_chosen=False)
    second = _connect_drive(stage, email="alice.second@gmail.example")
    _add_folder(second, "Photos", is_chosen=True)
    _add_file(second, DriveFileState.DONE, link=LINK)
    third = _connect_drive(stage, email="alice.third@gmail.example")
    Integration.objects.filter(id=third.id).update(status=IntegrationStatus.REAUTH_REQUIRED)
    return stage.alice.get(FILES)


@GROUP.state()
def access_ended(stage):
    drive = _connect_drive(stage)
    _add_file(drive, DriveFileState.DONE, link=LINK)
    Integration.objects.filter(id=drive.id).update(status=IntegrationStatus.REAUTH_REQUIRED)
    return stage.alice.get(FILES)


@GROUP.states([state for state in DriveFileState if state != DriveFileState.FAILED])
def file(stage, state):
    drive = _connect_drive(stage)
    values = {"proposed_by": "recordings"} if state == DriveFileState.PROPOSED else {}
    link = LINK if state == DriveFileState.DONE else ""
    _add_file(drive, state, link=link, **values)
    return stage.alice.get(FILES)


@GROUP.states([(DriveFileState.FAILED, problem) for problem in PROBLEMS])
def file_that(stage, key):
    drive = _connect_drive(stage)
    _add_file(drive, DriveFileState.FAILED, problem=key[1])
    return stage.alice.get(FILES)


@GROUP.states(list(FileSourceKind))
def file_from(stage, source):
    drive = _connect_drive(stage)
    values = {} if source == FileSourceKind.CLIENT else {"source_id": uuid7()}
    _add_file(drive, DriveFileState.UPLOADING, source=source, name="", size=None, **values)
    problem = DriveFileProblem.UNAVAILABLE
    _add_file(drive, DriveFileState.FAILED, source=source, problem=problem, **values)
    return stage.alice.get(FILES)


@GROUP.state()
def file_of_a_feature(stage):
    drive = _connect_drive(stage)
    _add_file(drive, DriveFileState.WAITING, proposed_by="recordings")
    problem = DriveFileProblem.ABANDONED
    _add_file(drive, DriveFileState.FAILED, problem=problem, proposed_by="recordings")
    return stage.alice.get(FILES)


@GROUP.state()
def file_with_a_namesake(stage):
    drive = _connect_drive(stage)
    _add_file(drive, DriveFileState.DONE, link=LINK, is_namesake=True)
    return stage.alice.get(FILES)


@GROUP.state()
def file_with_a_long_name(stage):
    drive = _connect_drive(stage)
    name = "Minutes of the meeting about the framework agreement with the workshop, final.pdf"
    _add_file(drive, DriveFileState.UPLOADING, name=name * 2)
    _add_file(drive, DriveFileState.DONE, name="عقد الإطار.pdf", link=LINK)
    return stage.alice.get(FILES)


@GROUP.state()
def many_files(stage):
    drive = _connect_drive(stage)
    for _ in range(51):
        _add_file(drive, DriveFileState.DONE, link=LINK)
    return stage.alice.get(FILES)


@GROUP.state()
def later_page(stage):
    page = many_files(stage).content.decode()
    return stage.alice.get(page.partition('rel="next" href="')[2].partition('"')[0])


@GROUP.state()
def row_alone(stage):
    drive = _connect_drive(stage)
    row = _add_file(drive, DriveFileState.CHECKING)
    return stage.alice.get(f"{FILES}{row.id}/row/")


@GROUP.state()
def trash(stage):
    drive = _connect_drive(stage)
    row = _add_file(drive, DriveFileState.DONE, link=LINK)
    return stage.alice.get(f"{FILES}{row.id}/trash/")


def _connect_drive(stage, email="alice@antares.example"):
    connection = rows.connect_google(stage, "drive", email=email)
    rows.agree(stage.user, stage.organisation, "drive")
    return Integration.objects.select_related("connection").get(connection=connection)


def _get_owner(drive):
    connection = drive.connection
    return {"user_id": connection.user_id, "organisation_id": connection.organisation_id}


def _seal(drive, model, column, row_id, **values):
    sealer = sealing.get_sealer(holder=drive.id, epoch=drive.epoch)
    return sealer.seal_value(model, column, row=row_id, data=orjson.dumps(values))


def _add_folder(drive, name, *, is_chosen):
    folder_id = uuid7()
    place = {
        "folder_id": "folder-1",
        "name": name,
        "link": "https://drive.google.com/drive/folders/1",
    }
    DriveFolder.objects.create(
        id=folder_id,
        integration=drive,
        is_chosen=is_chosen,
        changed_at=drive.status_since,
        place=_seal(drive, DriveFolder, "place", folder_id, **place),
        **_get_owner(drive),
    )


def _add_file(
    drive, state, *, name="Photos of the old harbour.zip", link="", size=48 * MIB, **values
):
    file_id, at = uuid7(), drive.status_since
    received = {DriveFileState.UPLOADING: 20 * MIB, DriveFileState.PAUSED: 20 * MIB}.get(state, 0)
    if state in {DriveFileState.CHECKING, DriveFileState.DONE}:
        received = size
    return DriveFile.objects.create(
        id=file_id,
        integration=drive,
        state=state,
        size=size,
        received=received,
        created_at=at,
        changed_at=at,
        finished_at=at if state in {DriveFileState.DONE, DriveFileState.FAILED} else None,
        expires_at=at + timedelta(days=6),
        descriptor=_seal(
            drive, DriveFile, "descriptor", file_id, filename=name, content_type="application/zip"
        ),
        transfer=_seal(drive, DriveFile, "transfer", file_id, file_id="1", link=link),
        **_get_owner(drive),
        **values,
    )
