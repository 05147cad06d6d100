"""
Drafts, sending, and the search for sent mail.

Graph accepts a mail and sends it later, and may change its id. So an extended property of ours
finds the mail, in Drafts, Outbox and Sent Items. Sources:
https://learn.microsoft.com/en-us/graph/api/message-send,
https://learn.microsoft.com/en-us/graph/api/resources/extended-properties-overview
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from integrations.formats.mime import composer
from integrations.formats.mime.addresses import MailAddress
from integrations.formats.mime.headers import make_printable, parse_message_ids
from integrations.formats.mime.outgoing_headers import (
    InvalidOutgoingMail,
    check_address,
    check_filename,
    trim_references,
)
from integrations.providers import errors
from integrations.providers.mail import parse_provider_id
from integrations.providers.outgoing_mail import (
    DraftRef,
    DraftState,
    OutgoingMail,
    SendLook,
    SentRef,
)
from integrations.providers.provider_access import ProviderAccess

from . import attachment_uploads
from .draft_errors import map_draft_errors
from .graph_http import GraphApiRequest, quote_segment, send_graph_read, send_graph_write
from .graph_message import IN_REPLY_TO_PROPERTY, REFERENCES_PROPERTY

#: The default limit of mailboxes:
#: https://learn.microsoft.com/en-us/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits
MAX_MESSAGE_BYTES: Final = 35 * 1024 * 1024
#: Property set of internet headers (MS-OXPROPS, PS_INTERNET_HEADERS).
_HEADER_SET: Final = "00020386-0000-0000-C000-000000000046"
TAG_PROPERTY: Final = "String {2f0b86a4-6a0c-4a0c-9d0f-5a7d1f3f9c41} Name AntaresSend"
_LOOK_FIELDS: Final = "id,conversationId,internetMessageId,changeKey"
# Copies of one mail in a folder.
_MAX_COPIES: Final = 20
_NOT_A_DRAFT: Final = "errorinvalidoperation"


def create_draft(mail: OutgoingMail, access: ProviderAccess) -> DraftRef:
    properties = _build_message(mail)
    draft, changes = _store_draft(mail, properties, access)
    try:
        return _complete_draft(draft, changes, mail, access)
    except errors.TokenRejected as rejected:
        # With a new token, the caller would call again and store a second draft.
        unknown = errors.OutcomeUnknown(
            "the token was rejected after the draft was stored",
            status=rejected.status,
            reason=rejected.reason,
        )
    raise unknown


def _store_draft(
    mail: OutgoingMail, properties: dict[str, Any], access: ProviderAccess
) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Return the draft, and the properties that it does not have yet."""
    if mail.replied_message_id:
        with suppress(errors.Gone):
            return _create_reply(mail, access), properties
    # The answered message was deleted, or the subject is another.
    properties["singleValueExtendedProperties"] += _build_parents(mail)
    request = GraphApiRequest("/me/messages", method="POST", body=properties)
    return send_graph_write(request, access), {}


def _complete_draft(
    draft: Mapping[str, Any], changes: dict[str, Any], mail: OutgoingMail, access: ProviderAccess
) -> DraftRef:
    draft_id = parse_provider_id(draft["id"])
    path = _get_path(draft_id)
    if changes:
        with map_draft_errors():
            draft = send_graph_write(GraphApiRequest(path, method="PATCH", body=changes), access)
        draft_id = parse_provider_id(draft["id"])
    if mail.files:
        for outgoing_file in mail.files:
            attachment_uploads.attach_file(draft_id, outgoing_file, access)
        with map_draft_errors():
            draft = send_graph_read(GraphApiRequest(path, {"$select": "id,changeKey"}), access)
    return DraftRef(draft_id, draft_id, checkpoint=parse_provider_id(draft["changeKey"]))


def _build_message(mail: OutgoingMail) -> dict[str, Any]:
    """:raises Rejected: if the mail cannot be sent"""
    reason = ""
    try:
        properties: dict[str, Any] = {
            "subject": make_printable(mail.subject),
            "body": {"contentType": "text", "content": mail.text.replace("\0", "")},
            "toRecipients": _build_recipients(mail.to),
            "ccRecipients": _build_recipients(mail.cc),
            "bccRecipients": _build_recipients(mail.bcc),
            "singleValueExtendedProperties": [
                _build_tag(mail.tag),
                *(_build_header(name, value) for name, value in mail.headers),
            ],
        }
        for outgoing_file in mail.files:
            check_filename(outgoing_file.filename)
        if not (mail.to or mail.cc or mail.bcc):
            reason = "recipients"
    except InvalidOutgoingMail as invalid:
        reason = invalid.reason
    file_sizes = [outgoing_file.size for outgoing_file in mail.files]
    if composer.measure_message(mail.text, file_sizes) > MAX_MESSAGE_BYTES:
        reason = "too-large"
    if reason:
        raise errors.Rejected("the mail cannot be sent", reason=reason)
    return properties


def _build_recipients(addresses: Sequence[MailAddress]) -> list[dict[str, Any]]:
    return [
        {
            "emailAddress": {
                "name": make_printable(entry.name),
                "address": check_address(entry.address),
            }
        }
        for entry in addresses
    ]


def _build_tag(tag: str) -> dict[str, str]:
    return {"id": TAG_PROPERTY, "value": tag}


def _build_header(name: str, value: str) -> dict[str, str]:
    """`internetMessageHeaders` takes only names with `x-`, Exchange's property set takes all."""
    return {"id": f"String {{{_HEADER_SET}}} Name {name}", "value": make_printable(value)}


def _create_reply(mail: OutgoingMail, access: ProviderAccess) -> dict[str, Any]:
    """Exchange writes the headers of the thread; our text replaces its quoted text."""
    # The tag from the start, so that `delete_drafts` finds the draft.
    body = {"message": {"singleValueExtendedProperties": [_build_tag(mail.tag)]}}
    path = f"{_get_path(mail.replied_message_id)}/createReply"
    return send_graph_write(GraphApiRequest(path, method="POST", body=body), access)


def _build_parents(mail: OutgoingMail) -> list[dict[str, str]]:
    """Graph accepts In-Reply-To and References as properties, and not as headers."""
    parents = {
        IN_REPLY_TO_PROPERTY: trim_references([mail.in_reply_to]),
        REFERENCES_PROPERTY: trim_references(mail.references),
    }
    return [
        {"id": name, "value": " ".join(f"<{message_id}>" for message_id in message_ids)}
        for name, message_ids in parents.items()
        if message_ids
    ]


def delete_drafts(tag: str, access: ProviderAccess) -> int:
    deleted_count = 0
    for draft in _list_tagged("drafts", tag, access):
        # A deletion would leave the draft in Deleted Items.
        path = f"{_get_path(parse_provider_id(draft['id']))}/permanentDelete"
        try:
            send_graph_write(GraphApiRequest(path, method="POST"), access)
        except errors.Gone:
            continue
        deleted_count += 1
    return deleted_count


def send_draft(draft: DraftRef, access: ProviderAccess) -> None:
    request = GraphApiRequest(f"{_get_path(draft.draft_id)}/send", method="POST")
    try:
        send_graph_write(request, access)
    except errors.ChangedMeanwhile as conflict:
        refusal: errors.ProviderError = errors.OutcomeUnknown(
            "Graph reports a conflict", status=conflict.status, reason=conflict.reason
        )
    except errors.Unexpected as unexpected:
        if unexpected.status != HTTPStatus.BAD_REQUEST or unexpected.reason != _NOT_A_DRAFT:
            raise
        # An earlier request may have sent it.
        refusal = errors.Gone(
            "the mail is no draft", status=unexpected.status, reason=unexpected.reason
        )
    else:
        return
    raise refusal


def look_for_sent(draft: DraftRef, tag: str, access: ProviderAccess) -> SendLook:
    # In the order in which a mail moves, so that none is missed between two reads.
    state = _find_draft_state(draft, _list_tagged("drafts", tag, access))
    is_leaving = bool(_list_tagged("outbox", tag, access))
    for message in _list_tagged("sentitems", tag, access):
        rfc822_ids = parse_message_ids(str(message.get("internetMessageId") or ""))
        sent = SentRef(
            message_id=parse_provider_id(message["id"]),
            thread_id=parse_provider_id(message["conversationId"]),
            rfc822_id=rfc822_ids[0] if rfc822_ids else "",
        )
        return SendLook(sent, state, is_leaving)
    return SendLook(None, state, is_leaving)


def _find_draft_state(draft: DraftRef, drafts: Sequence[Mapping[str, Any]]) -> DraftState:
    if not drafts:
        return "missing"
    is_intact = [str(found["changeKey"]) for found in drafts] == [draft.checkpoint]
    return "intact" if is_intact else "changed"


def _list_tagged(folder: str, tag: str, access: ProviderAccess) -> list[Mapping[str, Any]]:
    quoted = tag.replace("'", "''")
    parameters = {
        "$filter": (
            f"singleValueExtendedProperties/Any(ep: ep/id eq '{TAG_PROPERTY}'"
            f" and ep/value eq '{quoted}')"
        ),
        "$select": _LOOK_FIELDS,
        "$top": str(_MAX_COPIES),
    }
    request = GraphApiRequest(f"/me/mailFolders/{folder}/messages", parameters)
    answer = send_graph_read(request, access)
    return list(answer["value"])


def _get_path(message_id: str) -> str:
    return f"/me/messages/{quote_segment(message_id)}"
