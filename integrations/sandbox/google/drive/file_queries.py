"""files.get, files.generateIds, about.get."""

from typing import Any

from integrations.sandbox.google.drive import problems
from integrations.sandbox.google.drive.request import DriveRequest
from integrations.sandbox.google.drive.store import new_file_id
from integrations.sandbox.http_messages import HttpAnswer

MAX_IDS = 1000


def get_file(request: DriveRequest) -> dict[str, Any] | HttpAnswer:
    file = request.find_file()
    if request.get_param("alt") != "media":
        return request.format_file(file)
    if file.content is None:
        raise problems.file_not_downloadable()
    return HttpAnswer(200, b"", {}, file.mime_type, content=file.content)


def generate_ids(request: DriveRequest) -> dict[str, Any]:
    ids = [new_file_id() for _ in range(request.get_number("count", 10, MAX_IDS))]
    request.drive.generated_ids.update(ids)
    return {"kind": "drive#generatedIds", "space": "drive", "ids": ids}


def get_about(request: DriveRequest) -> dict[str, Any]:
    if not request.get_param("fields"):
        raise problems.fields_required()
    drive, account = request.drive, request.account
    used = drive.usage_in_drive
    trashed = sum(file.size for file in drive.list_files() if drive.is_trashed(file))
    quota = {
        "usage": str(drive.other_usage + used),
        "usageInDrive": str(used),
        "usageInDriveTrash": str(trashed),
    }
    if drive.limit:
        quota["limit"] = str(drive.limit)
    return {
        "kind": "drive#about",
        "user": {
            "kind": "drive#user",
            "displayName": account.name,
            "emailAddress": account.email,
            "permissionId": account.sub[-20:],
            "me": True,
        },
        "storageQuota": quota,
    }
