"""users.messages, without sending."""

from typing import Any

from integrations.sandbox.google import api_problems
from integrations.sandbox.google.gmail import message_lists, problems
from integrations.sandbox.google.gmail.date_header import read_date_header
from integrations.sandbox.google.gmail.request import MAX_INSERT_BYTES, GmailRequest
from integrations.sandbox.google.scopes import AUTH, METADATA
from integrations.sandbox.mail.entry import MailboxEntry
from integrations.sandbox.mail.rendering import encode_base64url

MAX_BATCH = 1_000
CONTENT_SCOPES = frozenset(
    {f"{AUTH}gmail.readonly", f"{AUTH}gmail.modify", "https://mail.google.com/"}
)


def list_messages(request: GmailRequest) -> dict[str, Any]:
    return message_lists.list_messages(request)


def read_format(request: GmailRequest) -> tuple[str, frozenset[str]]:
    """
    The format, and for metadata the headers.

    :raises HttpProblem: content with the metadata scope alone
    """
    format_name = request.get_choice("format", "full")
    if (
        METADATA in request.scopes
        and not request.scopes & CONTENT_SCOPES
        and format_name in ("full", "raw")
    ):
        raise problems.metadata_scope_forbids_format(format_name)
    return format_name, frozenset(name.lower() for name in request.get_params("metadataHeaders"))


def get_message(request: GmailRequest) -> bytes:
    format_name, header_names = read_format(request)
    entry = request.find_entry(request.path["id"])
    if request.omissions.hides_from_get(entry.id):
        raise problems.not_found()
    return request.rendering_cache.render_json(entry, format_name, header_names)


def describe_briefly(entry: MailboxEntry) -> dict[str, Any]:
    return message_lists.get_reference(entry) | {"labelIds": sorted(entry.labels)}


def modify_labels(request: GmailRequest) -> dict[str, Any]:
    body = request.read_json()
    entry = request.find_entry(request.path["id"])
    request.mailbox.relabel(
        entry,
        add=request.read_labels("addLabelIds", body),
        remove=request.read_labels("removeLabelIds", body),
    )
    return describe_briefly(entry)


def trash_message(request: GmailRequest) -> dict[str, Any]:
    entry = request.find_entry(request.path["id"])
    request.mailbox.trash_message(entry)
    return describe_briefly(entry)


def untrash_message(request: GmailRequest) -> dict[str, Any]:
    entry = request.find_entry(request.path["id"])
    request.mailbox.relabel(entry, remove=["TRASH"])
    return describe_briefly(entry)


def delete_message(request: GmailRequest) -> None:
    request.mailbox.delete_message(request.find_entry(request.path["id"]))


def _find_existing(request: GmailRequest, body: dict[str, Any]) -> list[MailboxEntry]:
    """Skip unknown ids; Gmail defines no answer for them."""
    ids = body.get("ids") or []
    if not ids:
        raise api_problems.invalid_argument("No message ids specified.")
    if len(ids) > MAX_BATCH:
        raise api_problems.invalid_argument("Too many message ids in request.")
    entries = (request.mailbox.entries.get(request.parse_id(message_id)) for message_id in ids)
    return [entry for entry in entries if entry]


def batch_modify(request: GmailRequest) -> None:
    body = request.read_json()
    add, remove = (
        request.read_labels("addLabelIds", body),
        request.read_labels("removeLabelIds", body),
    )
    for entry in _find_existing(request, body):
        request.mailbox.relabel(entry, add=add, remove=remove)


def batch_delete(request: GmailRequest) -> None:
    for entry in _find_existing(request, request.read_json()):
        request.mailbox.delete_message(entry)


def insert_message(request: GmailRequest) -> dict[str, Any]:
    body = request.read_json()
    raw = request.read_raw_message(body, limit=MAX_INSERT_BYTES)
    default = "dateHeader" if request.method.id.endswith("import") else "receivedTime"
    by_header = request.get_param("internalDateSource", default) == "dateHeader"
    thread = body.get("threadId")
    entry = request.mailbox.add_message(
        raw,
        request.read_labels("labelIds", body),
        date=read_date_header(raw) if by_header else None,
        thread_id=request.find_thread(thread)[0].thread_id if thread else None,
    )
    return describe_briefly(entry)


def get_attachment(request: GmailRequest) -> dict[str, Any]:
    entry = request.find_entry(request.path["messageId"])
    data = request.rendering_cache.get_attachment(entry, request.path["id"])
    if data is None:
        raise api_problems.invalid_argument("Invalid attachment token")
    return {"size": len(data), "data": encode_base64url(data)}


def get_profile(request: GmailRequest) -> dict[str, Any]:
    return {
        "emailAddress": request.mailbox.email,
        "messagesTotal": len(request.mailbox.entries),
        "threadsTotal": len(request.mailbox.threads),
        "historyId": str(request.mailbox.history_id),
    }
