"""Rows of the list of files, and the Drives above it, made inside the sink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import orjson
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from integrations.access import drive_permits, export_permits, permits
from integrations.access.request_context import RequestContext
from integrations.drive import file_list, folders, uploads
from integrations.models import (
    FETCHABLE,
    DriveFile,
    DriveFileProblem,
    DriveFileState,
    DriveFolder,
    FileSourceKind,
    Integration,
)
from integrations.providers import PROVIDERS
from limited_use.policy.feature_registry import FEATURES
from limited_use.sinks.sealed_rows import Permits, SealedRow
from limited_use.sinks.template_values import TemplateItem

from . import messages

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: States in which the owner can pause.
_PAUSABLE: Final = (DriveFileState.WAITING, DriveFileState.UPLOADING)
_CANCELLABLE: Final = (*_PAUSABLE, DriveFileState.PAUSED)
#: The file is not in the Drive, and nothing is done for it.
_ENDED: Final = (DriveFileState.FAILED, DriveFileState.CANCELLED)
#: States that change without a decision of the owner.
CHANGING: Final = (DriveFileState.WAITING, DriveFileState.UPLOADING, DriveFileState.CHECKING)
#: Id in the row that a script fills in for a file that the service does not know yet.
BLANK_ID: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class ConnectedDrive:
    """:param folder: None: Antares has not created one, and the owner has chosen none"""

    integration: Integration
    folder: DriveFolder | None


def list_connected_drives(context: RequestContext) -> list[ConnectedDrive]:
    drives = list(uploads.list_own_drives(context))
    own_folders = DriveFolder.objects.filter(integration__in=drives)
    folders_by_drive = {folder.integration_id: folder for folder in own_folders}
    return [ConnectedDrive(drive, folders_by_drive.get(drive.id)) for drive in drives]


def make_drive_rows(drives: Sequence[ConnectedDrive]) -> list[SealedRow]:
    return [
        SealedRow(
            drive,
            {
                "email": drive.integration.connection.email,
                "place": drive.folder.place if drive.folder else None,
            },
        )
        for drive in drives
    ]


def permit_page(
    context: RequestContext, drives: Sequence[ConnectedDrive], files: Sequence[DriveFile]
) -> Permits:
    """
    Ask the guard once for files and folders, and once for the accounts' addresses.

    :raises limited_use.guard.guard.AccessRefused:
    """
    with_folder = [drive.integration.id for drive in drives if drive.folder]
    holders = dict.fromkeys([*(file.integration_id for file in files), *with_folder])
    file_permits: Permits = (
        drive_permits.to_list_files(
            actor=context.actor, integration_ids=list(holders), at=context.at
        )
        if holders
        else {}
    )
    account_permits = permits.to_show_accounts(
        actor=context.actor,
        connection_ids=list(dict.fromkeys(d.integration.connection_id for d in drives)),
        at=context.at,
    )
    return {**file_permits, **account_permits}


def present_row(row: ConnectedDrive | DriveFile, opened: Mapping[str, bytes]) -> TemplateItem:
    if isinstance(row, ConnectedDrive):
        return _present_drive(row, opened)
    return present_file(row, opened)


def _present_drive(drive: ConnectedDrive, opened: Mapping[str, bytes]) -> TemplateItem:
    integration, folder = drive.integration, drive.folder
    place = orjson.loads(opened["place"]) if "place" in opened else {}
    provider = PROVIDERS[integration.connection.provider]
    return TemplateItem(
        clear={
            "is_drive": True,
            "id": integration.id,
            "provider": provider.label,
            "is_ready": integration.status in FETCHABLE,
            "connect_url": build_connect_url(integration),
            "has_folder_page": provider.folder_choice is not None,
            "is_chosen": folder is not None and folder.is_chosen,
            "has_folder_link": bool(_check_link(place.get("link", ""))),
        },
        opened={
            "email": opened.get("email", b"").decode() or provider.label,
            "folder_name": place.get("name") or folders.FOLDER_NAME,
            "folder_link": _check_link(place.get("link", "")),
        },
    )


def build_connect_url(integration: Integration) -> str:
    """Return the page that asks for the permission once more."""
    query = urlencode({"product": "drive", "connection": str(integration.connection_id)})
    return f"{reverse('settings-connect', args=[integration.connection.provider])}?{query}"


def present_file(file: DriveFile, opened: Mapping[str, bytes]) -> TemplateItem:
    described = file_list.describe_file(file, opened)
    label, tone = messages.STATES[file.state]
    is_from_client = file.source == FileSourceKind.CLIENT and not file.proposed_by
    # A worker completes an empty file.
    waits_for_bytes = (
        is_from_client and file.state in _CANCELLABLE and (file.size != 0 or file.id == BLANK_ID)
    )
    link = _check_link(described["link"] or "") if file.state == DriveFileState.DONE else ""
    return TemplateItem(
        clear={
            "is_drive": False,
            "id": file.id,
            "is_blank": file.id == BLANK_ID,
            "drive": "" if file.id == BLANK_ID else file.integration_id,
            "state": file.state,
            "label": label,
            "tone": tone,
            "size": file.size,
            "received": file.received,
            "shows_progress": file.state in {DriveFileState.UPLOADING, DriveFileState.PAUSED}
            or file.id == BLANK_ID,
            "source": messages.SOURCES[file.source],
            "at": file.finished_at or file.created_at,
            "until": file.expires_at,
            "is_namesake": file.is_namesake,
            "proposed_by": name_feature(file.proposed_by) if file.proposed_by else "",
            "problem": _describe_problem(file),
            "connect_url": build_connect_url(file.integration)
            if file.problem in messages.SOLVED_BY_CONNECTING
            else "",
            "is_folder_problem": file.problem == DriveFileProblem.FOLDER_GONE,
            "is_proposed": file.state == DriveFileState.PROPOSED,
            "is_checking": file.state == DriveFileState.CHECKING,
            "is_done": file.state == DriveFileState.DONE,
            "is_named": bool(described["filename"]) or file.id == BLANK_ID,
            "has_link": bool(link),
            "is_changing": file.state in CHANGING,
            # The bytes come from a browser, which has to send them.
            "waits_for_bytes": waits_for_bytes,
            "may_pause": file.state in _PAUSABLE,
            "may_resume": file.state == DriveFileState.PAUSED,
            "may_cancel": file.state in _CANCELLABLE,
            "may_retry": file.state == DriveFileState.FAILED and _can_retry(file),
            "may_choose": waits_for_bytes
            or (is_from_client and file.state == DriveFileState.FAILED),
            "may_remove": file.state in {*_ENDED, DriveFileState.DONE},
        },
        opened={
            "filename": described["filename"] or str(messages.UNREAD_NAMES[file.source]),
            "link": link,
        },
    )


def _can_retry(file: DriveFile) -> bool:
    """A browser sends its file again by itself, and a copy of mail needs a confirmation."""
    if file.source == FileSourceKind.MAIL_EXPORT:
        return timezone.now() < file.created_at + export_permits.EXPORT_LASTS
    return file.source != FileSourceKind.CLIENT


def make_blank_file(at: datetime) -> DriveFile:
    """Return the file of a row without values, for a script to copy."""
    return DriveFile(id=BLANK_ID, created_at=at, changed_at=at, expires_at=at, size=0, received=0)


def name_feature(key: str) -> StrOrPromise:
    """Return the title of the feature; its key if it is no longer registered."""
    feature = FEATURES.get(key)
    return gettext(feature.title) if feature is not None else key


def _describe_problem(file: DriveFile) -> StrOrPromise:
    if file.problem == DriveFileProblem.ABANDONED and file.proposed_by:
        return messages.PROPOSAL_ENDED
    if file.problem == DriveFileProblem.SOURCE_GONE and file.source == FileSourceKind.MAIL_EXPORT:
        return messages.COPY_ENDED
    return messages.PROBLEMS.get(file.problem, "")


def _check_link(link: Any) -> str:
    """Return an empty text for anything but an address of the provider's site."""
    return link if isinstance(link, str) and urlsplit(link).scheme == "https" else ""
