"""
Drafts, sending, and the addresses to send from.

Sources:
https://developers.google.com/workspace/gmail/api/guides/drafts,
https://developers.google.com/workspace/gmail/api/guides/uploads
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from integrations.formats.exact_pieces import WrongSize
from integrations.formats.mime import composer, signature_text
from integrations.formats.mime.addresses import MailAddress
from integrations.formats.mime.composer import ComposedMessage, MailHeaders
from integrations.formats.mime.headers import make_printable
from integrations.formats.mime.outgoing_headers import InvalidOutgoingMail
from integrations.parsers import parse_requests
from integrations.parsers.parser_frames import UnreadableItem
from integrations.providers import errors, storable_values
from integrations.providers.mail import parse_provider_id
from integrations.providers.outgoing_mail import DraftRef, OutgoingMail, SendAddress
from integrations.providers.provider_access import ProviderAccess
from integrations.providers.request_bodies import StreamedBody

from .discovery import GmailService, build_message_upload
from .google_http import send_google_read, send_google_upload, send_google_write
from .sent_search import ME, TAG_HEADER, read_headers

#: https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.drafts/create
MAX_MESSAGE_BYTES: Final = 36_700_160
# A name that cannot exist. Recipients never see it.
_MESSAGE_ID_HOST: Final = "send.antares.invalid"
_MAX_DRAFTS: Final = 20
#: Characters of a signature's HTML; Gmail accepts 10,000.
_MAX_SIGNATURE: Final = 50_000
_VERIFIED: Final = "accepted"


def create_draft(mail: OutgoingMail, api: GmailService, access: ProviderAccess) -> DraftRef:
    message = _compose_message(mail)
    # The upload comes last: a call that fails, and that the caller repeats, has stored nothing.
    profile = send_google_read(api.users.getProfile(userId=ME), access)
    draft = _upload_draft(message, mail.thread_id, api, access)
    return DraftRef(
        draft_id=parse_provider_id(draft["id"]),
        message_id=parse_provider_id(draft["message"]["id"]),
        checkpoint=parse_provider_id(profile["historyId"]),
    )


def _compose_message(mail: OutgoingMail) -> ComposedMessage:
    headers = MailHeaders(
        sender=mail.sender,
        to=mail.to,
        cc=mail.cc,
        bcc=mail.bcc,
        subject=mail.subject,
        date=mail.sent_at,
        message_id=f"{mail.tag}@{_MESSAGE_ID_HOST}",
        in_reply_to=mail.in_reply_to,
        references=mail.references,
        extra=((TAG_HEADER, mail.tag), *mail.headers),
    )
    reason = ""
    try:
        message = composer.compose_message(headers, mail.text, mail.files)
        if message.size > MAX_MESSAGE_BYTES:
            reason = "too-large"
    except InvalidOutgoingMail as invalid:
        reason = invalid.reason
    if reason:
        raise errors.Rejected("the mail cannot be sent", reason=reason)
    return message


def _upload_draft(
    message: ComposedMessage, thread_id: str, api: GmailService, access: ProviderAccess
) -> dict[str, Any]:
    metadata = {"message": {"threadId": thread_id} if thread_id else {}}
    boundary = f"=_{secrets.token_hex(16)}"
    start = (
        f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
        f"{json.dumps(metadata)}\r\n--{boundary}\r\nContent-Type: message/rfc822\r\n\r\n"
    ).encode("ascii")
    end = f"\r\n--{boundary}--\r\n".encode("ascii")

    def iterate_pieces() -> Iterator[bytes]:
        yield start
        yield from message.iterate_pieces()
        yield end

    body = StreamedBody(iterate_pieces(), len(start) + message.size + len(end))
    request = build_message_upload(api.drafts.create, userId=ME, body=metadata)
    content_type = f'multipart/related; boundary="{boundary}"'
    try:
        return send_google_upload(request, access, content_type, body)
    except WrongSize:
        pass
    raise errors.Rejected("a file is not as large as stated", reason="file-size")


def delete_drafts(tag: str, api: GmailService, access: ProviderAccess) -> int:
    request = api.drafts.list(
        userId=ME, maxResults=_MAX_DRAFTS, q=f"rfc822msgid:{tag}@{_MESSAGE_ID_HOST}"
    )
    answer = send_google_read(request, access)
    deleted_count = 0
    for draft in answer.get("drafts") or ():
        headers = read_headers(str(draft["message"]["id"]), api, access)
        if headers is None or headers.get(TAG_HEADER.lower()) != tag:
            continue
        try:
            send_google_write(api.drafts.delete(userId=ME, id=str(draft["id"])), access)
        except errors.Gone:
            continue
        deleted_count += 1
    return deleted_count


def send_draft(draft: DraftRef, api: GmailService, access: ProviderAccess) -> None:
    request = api.drafts.send(userId=ME, body={"id": draft.draft_id})
    try:
        send_google_write(request, access)
    except (errors.AlreadyThere, errors.ChangedMeanwhile) as conflict:
        refusal: errors.ProviderError = errors.OutcomeUnknown(
            "Gmail reports a conflict", status=conflict.status, reason=conflict.reason
        )
    except errors.Unexpected as unexpected:
        if unexpected.status != HTTPStatus.BAD_REQUEST:
            raise
        refusal = errors.Rejected(
            "Gmail refused the mail", status=unexpected.status, reason=unexpected.reason
        )
    else:
        return
    raise refusal


def get_send_addresses(api: GmailService, access: ProviderAccess) -> tuple[SendAddress, ...]:
    answer = send_google_read(api.send_as.list(userId=ME), access)
    return tuple(
        SendAddress(
            address=MailAddress(
                make_printable(str(alias.get("displayName") or "")),
                storable_values.clean_text(alias["sendAsEmail"]),
            ),
            signature=_convert_signature(alias.get("signature")),
            is_default=alias.get("isDefault") is True,
        )
        for alias in answer.get("sendAs") or ()
        if _is_verified(alias)
    )


def _is_verified(alias: Mapping[str, Any]) -> bool:
    # The account's own address has no status.
    return alias.get("isPrimary") is True or alias.get("verificationStatus") == _VERIFIED


def _convert_signature(markup: object) -> str:
    if not isinstance(markup, str) or not markup.strip():
        return ""
    sanitised = parse_requests.sanitise_text("", markup[:_MAX_SIGNATURE])
    if isinstance(sanitised, UnreadableItem):
        return ""
    # Without its pictures, which lie between the pieces.
    return signature_text.convert_signature("".join(sanitised.pieces))
