"""
Drafts, sending, and the search for sent mail.

Gmail gives sent mail another Message-ID, so a header of ours finds it. Sources:
https://developers.google.com/workspace/gmail/api/guides/drafts,
https://developers.google.com/workspace/gmail/api/guides/uploads
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from integrations.formats.exact_pieces import WrongSize
from integrations.formats.mime import composer, signature_text
from integrations.formats.mime.addresses import MailAddress
from integrations.formats.mime.composer import ComposedMessage, MailHeaders
from integrations.formats.mime.headers import make_printable, parse_message_ids
from integrations.formats.mime.outgoing_headers import InvalidOutgoingMail
from integrations.parsers import parse_requests
from integrations.parsers.parser_frames import UnreadableItem
from integrations.providers import errors, storable_values
from integrations.providers.mail import parse_provider_id
from integrations.providers.outgoing_mail import (
    DraftRef,
    DraftState,
    OutgoingMail,
    SendAddress,
    SendLook,
    SentRef,
)
from integrations.providers.provider_access import ProviderAccess
from integrations.providers.request_bodies import StreamedBody

from .discovery import GmailService, build_message_upload
from .google_http import send_google_read, send_google_upload, send_google_write

ME: Final = "me"
TAG_HEADER: Final = "X-Antares-Send"
#: https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.drafts/create
MAX_MESSAGE_BYTES: Final = 36_700_160
# A name that cannot exist. Recipients never see it.
_MESSAGE_ID_HOST: Final = "send.antares.invalid"
# One look reads the headers of so many messages: half of them the oldest, half the newest.
_MAX_CANDIDATES: Final = 50
_HISTORY_PAGE: Final = 100
_MAX_HISTORY_PAGES: Final = 20
_LIST_PAGE: Final = 500
_MAX_LIST_PAGES: Final = 4
# The possible difference between Gmail's clock and ours.
_SKEW: Final = timedelta(hours=1)
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
        headers = _read_headers(str(draft["message"]["id"]), api, access)
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


def look_for_sent(
    draft: DraftRef, tag: str, since: datetime | None, api: GmailService, access: ProviderAccess
) -> SendLook:
    # The draft first: a mail that is sent between the two reads is then found as sent.
    state = _read_draft_state(draft, api, access)
    listed_ids, is_whole = _list_sent_ids(draft.checkpoint, since, api, access)
    for message_id in _choose_candidates(listed_ids):
        headers = _read_headers(message_id, api, access)
        if headers is not None and headers.get(TAG_HEADER.lower()) == tag:
            rfc822_ids = parse_message_ids(headers.get("message-id", ""))
            sent = SentRef(message_id, headers["thread-id"], rfc822_ids[0] if rfc822_ids else "")
            return SendLook(sent, state)
    return SendLook(None, state, is_complete=is_whole and len(listed_ids) <= _MAX_CANDIDATES)


def _read_draft_state(draft: DraftRef, api: GmailService, access: ProviderAccess) -> DraftState:
    request = api.drafts.get(userId=ME, id=draft.draft_id, format="minimal")
    try:
        answer = send_google_read(request, access)
    except errors.Gone:
        return "missing"
    except errors.Unexpected as unexpected:
        # Gmail cannot parse the id of a draft that it does not have.
        if unexpected.status != HTTPStatus.BAD_REQUEST:
            raise
        return "missing"
    # Each edit makes a new message.
    return "intact" if str(answer["message"]["id"]) == draft.message_id else "changed"


def _list_sent_ids(
    checkpoint: str, since: datetime | None, api: GmailService, access: ProviderAccess
) -> tuple[list[str], bool]:
    """Return the ids of sent mail, oldest first, and whether they are all."""
    try:
        return _list_history(checkpoint, api, access)
    except errors.CursorExpired:
        pass
    return _list_folder(since, api, access)


def _list_history(
    checkpoint: str, api: GmailService, access: ProviderAccess
) -> tuple[list[str], bool]:
    message_ids: dict[str, None] = {}
    page = None
    for _ in range(_MAX_HISTORY_PAGES):
        request = api.history.list(
            userId=ME,
            startHistoryId=checkpoint,
            historyTypes=["messageAdded"],
            labelId="SENT",
            maxResults=_HISTORY_PAGE,
            pageToken=page,
        )
        answer = send_google_read(request, access, not_found=errors.CursorExpired)
        for record in answer.get("history") or ():
            for entry in record.get("messagesAdded") or ():
                message_ids[parse_provider_id(entry["message"]["id"])] = None
        page = storable_values.check_token(answer.get("nextPageToken"))
        if page is None:
            break
    return list(message_ids), page is None


def _list_folder(
    since: datetime | None, api: GmailService, access: ProviderAccess
) -> tuple[list[str], bool]:
    """Gmail has changed the Message-ID, so a search for it would find nothing."""
    message_ids: dict[str, None] = {}
    page = None
    for _ in range(_MAX_LIST_PAGES):
        request = api.messages.list(
            userId=ME,
            labelIds=["SENT"],
            q=None if since is None else f"after:{int((since - _SKEW).timestamp())}",
            # A mail that its owner has deleted since was sent, too.
            includeSpamTrash=True,
            maxResults=_LIST_PAGE,
            pageToken=page,
        )
        answer = send_google_read(request, access)
        for message in answer.get("messages") or ():
            message_ids[parse_provider_id(message["id"])] = None
        page = storable_values.check_token(answer.get("nextPageToken"))
        if page is None:
            break
    return list(reversed(message_ids)), page is None


def _choose_candidates(message_ids: Sequence[str]) -> Sequence[str]:
    """Return the oldest, among them a mail that was sent at once, and the newest."""
    if len(message_ids) <= _MAX_CANDIDATES:
        return message_ids
    half = _MAX_CANDIDATES // 2
    return [*message_ids[:half], *message_ids[-half:]]


def _read_headers(
    message_id: str, api: GmailService, access: ProviderAccess
) -> dict[str, str] | None:
    """Return our header and the Message-ID, and the thread's id as "thread-id"."""
    request = api.messages.get(
        userId=ME,
        id=message_id,
        format="metadata",
        metadataHeaders=[TAG_HEADER, "Message-ID"],
    )
    try:
        answer = send_google_read(request, access)
    except errors.Gone:
        return None
    headers = {
        str(header["name"]).lower(): str(header["value"])
        for header in (answer.get("payload") or {}).get("headers") or ()
    }
    return headers | {"thread-id": parse_provider_id(answer["threadId"])}


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
