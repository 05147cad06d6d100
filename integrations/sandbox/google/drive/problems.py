"""
Errors of Google Drive.

Reasons are those of the guide "Resolve errors"; those about ids were observed by others.
"""

from integrations.sandbox.google.api_problems import make_api_problem
from integrations.sandbox.http_messages import HttpProblem


def file_not_found(file_id: str) -> HttpProblem:
    return make_api_problem(
        404, f"File not found: {file_id}.", "notFound", location=("fileId", "parameter")
    )


def file_id_in_use() -> HttpProblem:
    message = "A file already exists with the provided ID."
    return make_api_problem(409, message, "fileIdInUse")


def file_id_not_usable() -> HttpProblem:
    """The account did not get this id from generateIds."""
    message = "The provided file ID is not usable."
    return make_api_problem(400, message, "invalid", location=("file", "other"))


def parent_not_a_folder() -> HttpProblem:
    return make_api_problem(403, "The specified parent is not a folder.", "parentNotAFolder")


def storage_quota_exceeded() -> HttpProblem:
    message = "The user's Drive storage quota has been exceeded."
    return make_api_problem(403, message, "storageQuotaExceeded")


def file_not_downloadable() -> HttpProblem:
    message = "Only files with binary content can be downloaded."
    return make_api_problem(403, message, "fileNotDownloadable", location=("alt", "parameter"))


def insufficient_file_permissions() -> HttpProblem:
    message = "The user does not have sufficient permissions for this file."
    return make_api_problem(403, message, "insufficientFilePermissions")


def app_not_authorized_to_file() -> HttpProblem:
    message = "The app is not authorized to access this file."
    return make_api_problem(403, message, "appNotAuthorizedToFile")


def drive_apps_disabled() -> HttpProblem:
    message = "The domain administrators have disabled Drive apps."
    return make_api_problem(403, message, "domainPolicy")


def fields_required() -> HttpProblem:
    message = "The 'fields' parameter is required for this method."
    return make_api_problem(400, message, "required", location=("fields", "parameter"))


def invalid_drive_parameter(
    name: str, message: str, reason: str = "invalidParameter"
) -> HttpProblem:
    return make_api_problem(400, message, reason, location=(name, "parameter"))


def parents_not_writable() -> HttpProblem:
    message = "The parents field is not directly writable in update requests."
    return make_api_problem(403, message, "fieldNotWritable")


def not_writable(name: str) -> HttpProblem:
    message = f"The resource body includes fields which are not directly writable: {name}."
    return make_api_problem(403, message, "fieldNotWritable")
