"""Control functions for Drive: files of the user, upload sessions, the journal of files."""

import base64
from dataclasses import fields
from typing import Any

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.control import mailboxes
from integrations.sandbox.control.errors import Misuse, require_text
from integrations.sandbox.google.drive import file_creation
from integrations.sandbox.google.drive.content import StoredContent
from integrations.sandbox.google.drive.store import FOLDER_TYPE, AccountDrive, DriveFile
from integrations.sandbox.google.drive.upload_faults import (
    COMPLETION_KINDS,
    TRANSFER_KINDS,
    UploadFault,
)
from integrations.sandbox.http_messages import HttpProblem
from integrations.sandbox.state import SandboxState

Values = dict[str, Any]


def add_drive(state: SandboxState, account: SandboxAccount, values: Values) -> None:
    """{limit? (bytes; 0 is unlimited), other_usage?, files?: [fields of `add_file`]}"""
    sizes = {name: int(values[name]) for name in ("limit", "other_usage") if name in values}
    account.drive = AccountDrive(**sizes)
    for file_fields in values.get("files", []):
        _add_file(state, account.drive, file_fields)


def find_drive(state: SandboxState, values: Values) -> AccountDrive:
    drive = mailboxes.find_account(state, values).drive
    if drive is None:
        raise Misuse("this account has no Drive")
    return drive


def _find_file(drive: AccountDrive, values: Values) -> DriveFile:
    file = drive.entries.get(require_text(values, "id"))
    if file is None:
        raise Misuse("no such file")
    return file


def add_file(state: SandboxState, values: Values) -> Values:
    """
    {email, name, folder?: true | mime_type?, parent? (an id), text? | data? (base64), id?}: as
    the user, so no project sees it until it is picked.
    """
    drive = find_drive(state, values)
    return _describe_file(drive, _add_file(state, drive, values))


def _add_file(state: SandboxState, drive: AccountDrive, values: Values) -> DriveFile:
    content = values.get("text", "").encode() or base64.b64decode(values.get("data", ""))
    metadata = {
        "id": values.get("id"),
        "name": require_text(values, "name"),
        "mimeType": FOLDER_TYPE if values.get("folder") else values.get("mime_type"),
        "parents": [values["parent"]] if values.get("parent") else [],
    }
    metadata = {name: value for name, value in metadata.items() if value}
    try:
        return file_creation.create_file(state, drive, None, metadata, StoredContent(content))
    except HttpProblem as problem:
        raise Misuse(problem.answer.body.decode()) from problem


def change_file(state: SandboxState, values: Values) -> Values:
    """{email, id, name?, trashed?, parent?, deleted?: true}: as the user."""
    drive = find_drive(state, values)
    file = _find_file(drive, values)
    file.name = values.get("name", file.name)
    file.parent = values.get("parent", file.parent)
    file.explicitly_trashed = bool(values.get("trashed", file.explicitly_trashed))
    file.version += 1
    file.modified_at = state.clock.now()
    if values.get("deleted"):
        drive.delete_file(file)
    return _describe_file(drive, file)


def pick_file(state: SandboxState, values: Values) -> Values:
    """{email, id, project?}: as if the user had picked it in the picker of this project."""
    drive = find_drive(state, values)
    file = _find_file(drive, values)
    drive.pick_file(file.id, values.get("project", "sandbox-project"))
    return _describe_file(drive, file)


def set_limit(state: SandboxState, values: Values) -> Values:
    """{email, limit? (bytes; 0 is unlimited), other_usage?}"""
    drive = find_drive(state, values)
    drive.limit = int(values.get("limit", drive.limit))
    drive.other_usage = int(values.get("other_usage", drive.other_usage))
    return {"limit": drive.limit, "usage": drive.other_usage + drive.usage_in_drive}


def add_upload_fault(state: SandboxState, values: Values) -> Values:
    """Fields of `UploadFault`."""
    if unknown := set(values) - {field.name for field in fields(UploadFault)}:
        raise Misuse(f"a fault has no {sorted(unknown)}")
    kinds = TRANSFER_KINDS + COMPLETION_KINDS
    if values.get("kind") not in kinds:
        raise Misuse(f"there are {kinds}")
    faults = state.uploads.faults
    faults.queue.append(UploadFault(**values))
    return {"pending": faults.list_pending()}


def clear_upload_faults(state: SandboxState, _: Values) -> Values:
    state.uploads.faults.queue.clear()
    return {}


def expire_uploads(state: SandboxState, values: Values) -> Values:
    """{email?}: their addresses answer 404."""
    sessions = state.uploads.list_all(values.get("email", ""))
    for session in sessions:
        state.uploads.expire(session)
    return {"expired": len(sessions)}


def show_uploads(state: SandboxState, values: Values) -> Values:
    """{email?}: sessions that have not expired. `stored` and `total` are bytes."""
    return {
        "uploads": [
            {
                "id": session.id,
                "email": session.account.email,
                "project": session.project,
                "metadata": session.metadata,
                "stored": session.content.size,
                "total": session.total,
                "expires_at": session.expires_at,
                "cancelled": session.cancelled,
                "complete": session.answer is not None,
            }
            for session in state.uploads.list_all(values.get("email", ""))
        ]
    }


def show_files(state: SandboxState, values: Values) -> Values:
    """{email, project?}: all files, deleted too. Several of a name are what tests look for."""
    drive = find_drive(state, values)
    files = [
        _describe_file(drive, file)
        for file in drive.entries.values()
        if values.get("project", file.project) == file.project
    ]
    usage = drive.other_usage + drive.usage_in_drive
    return {"root": drive.root_id, "limit": drive.limit, "usage": usage, "files": files}


def _describe_file(drive: AccountDrive, file: DriveFile) -> Values:
    checksums = file.content.checksums if file.content else {}
    return {
        "id": file.id,
        "name": file.name,
        "mime_type": file.mime_type,
        "parents": [file.parent],
        "size": file.size,
        "md5": checksums.get("md5Checksum", ""),
        "sha256": checksums.get("sha256Checksum", ""),
        "creations": drive.creations[file.id],
        "trashed": drive.is_trashed(file),
        "deleted": file.deleted,
        "project": file.project,
        "app_properties": file.app_properties,
    }


def show_content(state: SandboxState, values: Values) -> Values:
    """{email, id}: `data` is base64. For small files."""
    file = _find_file(find_drive(state, values), values)
    content = file.content.read() if file.content else b""
    return {"size": len(content), "data": base64.b64encode(content).decode()}
