"""files.create, files.update, files.delete."""

from typing import Any
from urllib.parse import urlencode

from integrations.sandbox.google import api_problems
from integrations.sandbox.google.drive import file_creation, problems
from integrations.sandbox.google.drive.content import StoredContent
from integrations.sandbox.google.drive.request import DriveRequest
from integrations.sandbox.google.drive.store import GOOGLE_TYPES, DriveFile
from integrations.sandbox.http_messages import HttpAnswer

# Bytes of a multipart or simple upload.
MAX_SMALL_UPLOAD = 5 * 2**20
MAX_FILE_SIZE = 5 * 2**40
MAX_PROPERTY_BYTES = 124
WRITABLE = ("id", "name", "mimeType", "parents", "appProperties")


def create_file(request: DriveRequest) -> dict[str, Any] | HttpAnswer:
    if request.upload_type == "resumable":
        return _start_session(request)
    content = None
    if request.upload_type == "multipart":
        metadata, mime_type, value = request.read_related_parts()
    elif request.upload_type == "media":
        metadata, mime_type, value = {}, request.content_type, request.call.body
    else:
        metadata, mime_type, value = request.read_json(), "", b""
    if request.upload_type:
        if len(value) > MAX_SMALL_UPLOAD:
            raise api_problems.too_large()
        content = StoredContent(value)
    metadata = _read_metadata(metadata, mime_type)
    file = file_creation.create_file(
        request.state, request.drive, request.project, metadata, content
    )
    return request.format_file(file)


def _read_metadata(body: dict[str, Any], mime_type: str) -> dict[str, Any]:
    """Other fields are ignored, as at Google."""
    metadata = {name: body[name] for name in WRITABLE if body.get(name) is not None}
    if mime_type:
        metadata.setdefault("mimeType", mime_type)
    _check_properties(metadata)
    return metadata


def _check_properties(metadata: dict[str, Any]) -> None:
    for name, value in metadata.get("appProperties", {}).items():
        if len(f"{name}{value or ''}".encode()) > MAX_PROPERTY_BYTES:
            raise api_problems.bad_value(
                f"The name and value of a property have more than {MAX_PROPERTY_BYTES} bytes."
            )


def _start_session(request: DriveRequest) -> HttpAnswer:
    """The address has the parameters of the call, as at Google."""
    headers = request.call.headers
    length = headers.get("x-upload-content-length", "")
    if length and not length.isdecimal():
        raise api_problems.bad_value("Invalid X-Upload-Content-Length.")
    total = int(length) if length else None
    if total is not None and total > MAX_FILE_SIZE:
        raise api_problems.too_large()
    metadata = _read_metadata(request.read_json(), headers.get("x-upload-content-type", ""))
    file_creation.check_new_file(request.drive, request.project, metadata, total or 0)
    session = request.state.uploads.add(
        request.account,
        request.drive,
        request.project,
        metadata=metadata,
        mime_type=metadata.get("mimeType", ""),
        fields=request.get_param("fields"),
        total=total,
        checksums=request.state.knobs.drive_checksums.split(),
    )
    query = urlencode({**request.call.query, "upload_id": session.id}, doseq=True)
    # On the host that was asked, as at Google: a relay may stand between.
    host = headers.get("host", "")
    root = f"http://{host}" if host else request.state.url
    location = f"{root}{request.call.path}?{query}"
    return HttpAnswer(200, b"", {"Location": location, "X-GUploader-UploadID": session.id})


def update_file(request: DriveRequest) -> dict[str, Any]:
    """Metadata only."""
    if request.upload_type:
        raise api_problems.not_implemented("drive.files.update with content")
    file, body = request.find_file(), request.read_json()
    if "parents" in body:
        raise problems.parents_not_writable()
    if body.get("id") not in (None, file.id):
        raise problems.not_writable("id")
    _check_properties(body)
    _move_file(request, file)
    if "name" in body:
        file.name = str(body["name"])
    if "mimeType" in body and not file.mime_type.startswith(GOOGLE_TYPES):
        file.mime_type = str(body["mimeType"])
    if "trashed" in body:
        file.explicitly_trashed = bool(body["trashed"])
    if "appProperties" in body:
        file.app_properties[request.project] = file_creation.merge_properties(
            file.app_properties.get(request.project, {}), body["appProperties"]
        )
    file.version += 1
    file.modified_at = request.state.clock.now()
    return request.format_file(file)


def _move_file(request: DriveRequest, file: DriveFile) -> None:
    """:raises HttpProblem: the new parent, or the old one is not that of the file"""
    added = [name for name in request.get_param("addParents").split(",") if name]
    removed = [name for name in request.get_param("removeParents").split(",") if name]
    if not added and not removed:
        return
    if len(added) > 1:
        raise api_problems.bad_value("A file cannot have more than one parent.")
    for parent in removed:
        if file_creation.find_folder(request.drive, request.project, parent) != file.parent:
            raise problems.file_not_found(parent)
    target = added[0] if added else file_creation.ROOT_ALIAS
    folder_id = file_creation.find_folder(request.drive, request.project, target)
    if request.drive.is_inside(folder_id, file.id):
        raise api_problems.bad_value("The new parent is inside of the file.")
    file.parent = folder_id


def delete_file(request: DriveRequest) -> None:
    request.drive.delete_file(request.find_file())
