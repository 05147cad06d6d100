"""Drive's resource of a file."""

from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.google.drive.store import AccountDrive, DriveFile

# Fields of an answer without `fields`.
DEFAULT_FIELDS = ("kind", "id", "name", "mimeType")


def format_time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_file(drive: AccountDrive, file: DriveFile, project: str) -> dict[str, Any]:
    """With every field that the sandbox knows."""
    resource: dict[str, Any] = {
        "kind": "drive#file",
        "id": file.id,
        "name": file.name,
        "mimeType": file.mime_type,
        "parents": [file.parent],
        "version": str(file.version),
        "createdTime": format_time(file.created_at),
        "modifiedTime": format_time(file.modified_at),
        "trashed": drive.is_trashed(file),
        "explicitlyTrashed": file.explicitly_trashed,
        "webViewLink": _make_link(file),
        "spaces": ["drive"],
        "ownedByMe": True,
        "isAppAuthorized": True,
    }
    if properties := file.app_properties.get(project):
        resource["appProperties"] = dict(properties)
    if file.content is not None:
        resource |= {
            "size": str(file.content.size),
            "quotaBytesUsed": str(file.content.size),
            "originalFilename": file.name,
            "headRevisionId": file.revision,
            **file.content.checksums,
        }
    return resource


def _make_link(file: DriveFile) -> str:
    if file.is_folder:
        return f"https://drive.google.com/drive/folders/{file.id}"
    return f"https://drive.google.com/file/d/{file.id}/view?usp=drivesdk"


def choose_fields(resource: dict[str, Any], *, all_fields: bool) -> dict[str, Any]:
    if all_fields:
        return resource
    return {name: resource[name] for name in DEFAULT_FIELDS}
