"""Creates files: from metadata, from one request, or at the end of an upload session."""

import mimetypes
import secrets
from typing import Any

import orjson

from integrations.sandbox.google import api_problems
from integrations.sandbox.google import fields as field_masks
from integrations.sandbox.google.drive import file_format, problems
from integrations.sandbox.google.drive.content import StoredContent
from integrations.sandbox.google.drive.store import (
    GOOGLE_TYPES,
    AccountDrive,
    DriveFile,
    new_file_id,
)
from integrations.sandbox.google.drive.upload_sessions import UploadSession
from integrations.sandbox.http_messages import HttpAnswer
from integrations.sandbox.state import SandboxState

ROOT_ALIAS = "root"
DEFAULT_TYPE = "application/octet-stream"


def check_new_file(
    drive: AccountDrive, project: str | None, metadata: dict[str, Any], size: int
) -> None:
    """:raises HttpProblem: the id, the parent, or the storage"""
    file_id = metadata.get("id")
    if file_id in drive.entries:
        raise problems.file_id_in_use()
    if file_id is not None and project is not None and file_id not in drive.generated_ids:
        raise problems.file_id_not_usable()
    parents = metadata.get("parents") or []
    if len(parents) > 1:
        raise api_problems.bad_value("A file cannot have more than one parent.")
    if parents:
        find_folder(drive, project, parents[0])
    if not drive.has_room(size):
        raise problems.storage_quota_exceeded()


def find_folder(drive: AccountDrive, project: str | None, folder_id: str) -> str:
    """
    Return the id of a folder. The root needs no permission.

    :raises HttpProblem: 404 if this project cannot see it; 403 if it is none
    """
    if folder_id in (ROOT_ALIAS, drive.root_id):
        return drive.root_id
    folder = drive.find_file(folder_id, project)
    if folder is None:
        raise problems.file_not_found(folder_id)
    if not folder.is_folder:
        raise problems.parent_not_a_folder()
    return folder.id


def create_file(
    state: SandboxState,
    drive: AccountDrive,
    project: str | None,
    metadata: dict[str, Any],
    content: StoredContent | None,
) -> DriveFile:
    """:raises HttpProblem: the id, the parent, or the storage"""
    check_new_file(drive, project, metadata, content.size if content else 0)
    name = str(metadata.get("name") or "Untitled")
    mime_type = metadata.get("mimeType") or mimetypes.guess_type(name)[0] or DEFAULT_TYPE
    if mime_type.startswith(GOOGLE_TYPES):
        content = None
    elif content is None:
        content = StoredContent()
    parents = metadata.get("parents") or [ROOT_ALIAS]
    now = state.clock.now()
    file = DriveFile(
        id=metadata.get("id") or new_file_id(),
        name=name,
        mime_type=mime_type,
        parent=find_folder(drive, project, parents[0]),
        project=project or "",
        created_at=now,
        modified_at=now,
        content=content,
        revision=f"0B{secrets.token_urlsafe(36)}",
    )
    if properties := metadata.get("appProperties"):
        file.app_properties[file.project] = merge_properties({}, properties)
    drive.add_file(file)
    return file


def merge_properties(known: dict[str, str], changes: dict[str, Any]) -> dict[str, str]:
    """Null removes a property."""
    merged = known | changes
    return {name: value for name, value in merged.items() if value is not None}


def create_uploaded_file(state: SandboxState, session: UploadSession) -> HttpAnswer:
    """:raises HttpProblem: the id, the parent, or the storage"""
    metadata = {"mimeType": session.mime_type, **session.metadata}
    file = create_file(state, session.drive, session.project, metadata, session.content)
    resource = file_format.format_file(session.drive, file, session.project)
    if session.fields:
        resource = field_masks.apply_mask(field_masks.parse_mask(session.fields), resource)
    else:
        resource = file_format.choose_fields(resource, all_fields=False)
    return HttpAnswer(200, orjson.dumps(resource))
