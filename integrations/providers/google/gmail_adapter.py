"""The cursor is a historyId."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from integrations.providers import errors, storable_values, unexpected_responses
from integrations.providers.file_download import FileDownload
from integrations.providers.mail import (
    FetchTarget,
    MailboxProfile,
    MailChangePage,
    MessageListPage,
    MessageRef,
    RemoteMessage,
    RemoteThread,
    get_item_name,
    parse_provider_id,
)
from integrations.providers.outgoing_mail import DraftRef, OutgoingMail, SendAddress, SendLook
from integrations.providers.provider_access import ProviderAccess

from . import attachments, gmail_message, gmail_sender, history, sent_search
from .discovery import GmailService, get_gmail_service, get_root_url
from .google_batch import GoogleOutcome, send_batch
from .google_http import send_google_read

ME: Final = "me"
MAX_PAGE: Final = 500
# A page of changes is fetched completely or repeated, so it must fit into the quota that can be
# spent at once.
CHANGES_PAGE: Final = 50
# Consecutive pages without changes.
_MAX_EMPTY_PAGES: Final = 1_000
_HISTORY_TYPES: Final = ["messageAdded", "messageDeleted", "labelAdded", "labelRemoved"]


@dataclass(frozen=True, slots=True)
class GmailAdapter:
    access: ProviderAccess
    api: GmailService

    @property
    def fetch_request_count(self) -> None:
        """None: a message costs fixed units."""

    @unexpected_responses.raise_unexpected
    def get_profile(self) -> MailboxProfile:
        answer = send_google_read(self.api.users.getProfile(userId=ME), self.access)
        return MailboxProfile(
            message_count=storable_values.clamp_number(answer.get("messagesTotal")),
            cursor=parse_provider_id(answer["historyId"]),
        )

    @unexpected_responses.raise_unexpected
    def get_label_names(self) -> Mapping[str, str]:
        answer = send_google_read(self.api.labels.list(userId=ME), self.access)
        return {
            parse_provider_id(label["id"]): storable_values.clean_text(label.get("name"))
            for label in answer.get("labels") or ()
            if label.get("type") == "user"
        }

    @unexpected_responses.raise_unexpected
    def list_messages(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        query: str = "",
        page: str | None = None,
        limit: int = MAX_PAGE,
    ) -> MessageListPage:
        # As numbers, both are in seconds; `after:` includes its second, `before:` does not.
        bounds = [f"after:{int(since.timestamp())}"] if since else []
        bounds += [f"before:{int(until.timestamp())}"] if until else []
        request = self.api.messages.list(
            userId=ME,
            maxResults=min(limit, MAX_PAGE),
            includeSpamTrash=False,
            pageToken=page,
            # OR binds only its two neighbours, so the typed query cannot widen the bounds.
            q=" ".join([*bounds, query]).strip() or None,
        )
        answer = send_google_read(request, self.access)
        return MessageListPage(
            # The key is missing on an empty page.
            refs=tuple(
                MessageRef(str(item["id"]), str(item["threadId"]))
                for item in answer.get("messages") or ()
            ),
            next_page=storable_values.check_token(answer.get("nextPageToken")),
            estimate=storable_values.clamp_number(answer.get("resultSizeEstimate")),
        )

    @unexpected_responses.raise_unexpected
    def fetch_messages(
        self, targets: Sequence[FetchTarget]
    ) -> Sequence[RemoteThread | errors.ProviderError]:
        requests = [
            self._build_thread_request(target.thread_id)
            if target.thread_id
            else self._build_message_request(target.message_id)
            for target in targets
        ]
        answers = send_batch(requests, self.access, url=self.api.batch_url)
        answers = [
            _reject_unreadable(target, answer)
            for target, answer in zip(targets, answers, strict=True)
        ]
        resources = [
            _get_visible_messages(target, answer)
            for target, answer in zip(targets, answers, strict=True)
        ]
        # One task for all: a parser call costs as much as reading a short message.
        read = iter(
            gmail_message.map_messages(
                [resource for messages in resources for resource in messages]
            )
        )
        return [
            _build_result(
                target, answer, list(zip(messages, islice(read, len(messages)), strict=True))
            )
            for target, answer, messages in zip(targets, answers, resources, strict=True)
        ]

    @unexpected_responses.raise_unexpected
    def get_changes(self, cursor: str) -> MailChangePage:
        records: list[dict[str, Any]] = []
        page = None
        for _ in range(_MAX_EMPTY_PAGES):
            request = self.api.history.list(
                userId=ME,
                startHistoryId=cursor,
                historyTypes=_HISTORY_TYPES,
                maxResults=CHANGES_PAGE,
                pageToken=page,
            )
            # Gmail answers 404 for a forgotten historyId.
            answer = send_google_read(request, self.access, not_found=errors.CursorExpired)
            records = answer.get("history") or []
            page = storable_values.check_token(answer.get("nextPageToken"))
            if page is None:
                return history.fold_history(
                    records, cursor=parse_provider_id(answer["historyId"]), has_more=False
                )
            if records:
                # Page tokens expire. The id of the last record resumes at the same position and
                # does not expire.
                return history.fold_history(
                    records, cursor=parse_provider_id(records[-1]["id"]), has_more=True
                )
        raise errors.Unexpected("the pages of changes do not end")

    @unexpected_responses.raise_unexpected
    def open_attachment(self, message_id: str, part: str) -> FileDownload:
        resource = send_google_read(self._build_message_request(message_id), self.access)
        body = attachments.find_part_body(resource.get("payload") or {}, part)
        if body is None:
            raise errors.Gone("the message has no such part")
        if storable_values.clamp_number(body.get("size")) > attachments.MAX_BYTES:
            raise errors.Rejected("the attachment is larger than we carry", reason="too-large")
        # Attachment ids change between reads; this one is fresh.
        if not body.get("attachmentId"):
            return attachments.read_inline_attachment(body)
        request = self.api.attachments.get(userId=ME, messageId=message_id, id=body["attachmentId"])
        return attachments.stream_attachment(request, self.access)

    @unexpected_responses.raise_unexpected
    def create_draft(self, mail: OutgoingMail) -> DraftRef:
        return gmail_sender.create_draft(mail, self.api, self.access)

    @unexpected_responses.raise_unexpected
    def delete_drafts(self, tag: str) -> int:
        return gmail_sender.delete_drafts(tag, self.api, self.access)

    @unexpected_responses.raise_unexpected
    def send_draft(self, draft: DraftRef) -> None:
        gmail_sender.send_draft(draft, self.api, self.access)

    @unexpected_responses.raise_unexpected
    def look_for_sent(self, draft: DraftRef, tag: str, since: datetime | None = None) -> SendLook:
        return sent_search.look_for_sent(draft, tag, since, self.api, self.access)

    @unexpected_responses.raise_unexpected
    def get_send_addresses(self) -> tuple[SendAddress, ...]:
        return gmail_sender.get_send_addresses(self.api, self.access)

    def _build_message_request(self, message_id: str) -> Any:
        return self.api.messages.get(userId=ME, id=message_id, format="full")

    def _build_thread_request(self, thread_id: str) -> Any:
        return self.api.threads.get(userId=ME, id=thread_id, format="full")


def _reject_unreadable(target: FetchTarget, answer: GoogleOutcome) -> GoogleOutcome:
    """Reject an answer if its messages cannot be told apart."""
    try:
        _get_visible_messages(target, answer)
    except unexpected_responses.UNREADABLE_ERRORS:
        return errors.Rejected("the message cannot be read", reason="undecodable")
    return answer


def _get_visible_messages(target: FetchTarget, answer: GoogleOutcome) -> list[Mapping[str, Any]]:
    if isinstance(answer, errors.ProviderError):
        return []
    messages = answer.get("messages") or () if target.thread_id else (answer,)
    return [message for message in messages if not gmail_message.is_hidden(message)]


def _build_result(
    target: FetchTarget,
    answer: GoogleOutcome,
    read: Sequence[tuple[Mapping[str, Any], RemoteMessage | errors.Rejected]],
) -> RemoteThread | errors.ProviderError:
    if isinstance(answer, errors.ProviderError):
        return answer
    messages = [message for _, message in read if isinstance(message, RemoteMessage)]
    rejected = {
        get_item_name(resource, position): message
        for position, (resource, message) in enumerate(read)
        if isinstance(message, errors.Rejected)
    }
    if not target.thread_id:
        hidden = errors.Gone("the message is in spam or trash")
        return next(iter(rejected.values()), RemoteThread(tuple(messages)) if messages else hidden)
    messages.sort(key=lambda message: message.received_at)
    return RemoteThread(
        tuple(messages), {message_id: error.reason for message_id, error in rejected.items()}
    )


@contextmanager
def open_mail(access: ProviderAccess) -> Iterator[GmailAdapter]:
    rooted_access = replace(access, root_url=_get_root_url(access.root_url))
    yield GmailAdapter(rooted_access, get_gmail_service(rooted_access.root_url))


@lru_cache(maxsize=8)
def _get_root_url(root_url: str) -> str:
    return get_root_url(root_url)
