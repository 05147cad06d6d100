"""
The search for sent mail.

Gmail gives sent mail another Message-ID, so a header of ours identifies it. Gmail cannot search for
the header.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from integrations.formats.mime.headers import parse_message_ids
from integrations.providers import errors, storable_values
from integrations.providers.mail import parse_provider_id
from integrations.providers.outgoing_mail import DraftRef, DraftState, SendLook, SentRef
from integrations.providers.provider_access import ProviderAccess

from .discovery import GmailService
from .google_http import send_google_read

ME: Final = "me"
TAG_HEADER: Final = "X-Antares-Send"
# One look reads the headers of so many messages: half of them the oldest, half the newest.
_MAX_CANDIDATES: Final = 50
_HISTORY_PAGE: Final = 100
_MAX_HISTORY_PAGES: Final = 20
_LIST_PAGE: Final = 500
_MAX_LIST_PAGES: Final = 4
# The possible difference between Gmail's clock and ours.
_SKEW: Final = timedelta(hours=1)


def look_for_sent(
    draft: DraftRef, tag: str, since: datetime | None, api: GmailService, access: ProviderAccess
) -> SendLook:
    # The draft first: a mail that is sent between the two reads is then found as sent.
    state = _read_draft_state(draft, api, access)
    listed_ids, is_whole = _list_sent_ids(draft.checkpoint, since, api, access)
    for message_id in _choose_candidates(listed_ids):
        headers = read_headers(message_id, api, access)
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


def read_headers(
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
