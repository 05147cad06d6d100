"""Gmail behind `MailAdapter`. The cursor is a historyId."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from integrations.providers import errors, storable_values, unexpected_responses
from integrations.providers.access import Access
from integrations.providers.file_download import ArrivingFile
from integrations.providers.mail import (
    ChangePage,
    ListPage,
    MailboxProfile,
    MessageRef,
    RemoteMessage,
    RemoteThread,
    Wanted,
    name_of,
    provider_id,
)

from . import attachments, gmail_message, history
from .batch import Outcome, call_each
from .discovery import Gmail, gmail, root_of
from .http import call

ME: Final = "me"
MAX_PAGE: Final = 500
# What a page of changes brings is fetched whole or begun anew, so that it has to fit into what
# may be spent of the quota at once: fifty messages do.
CHANGES_PAGE: Final = 50
# Pages without a change on them, one after the other, before that is no answer any more.
_MOST_PAGES: Final = 1_000
_KINDS: Final = ["messageAdded", "messageDeleted", "labelAdded", "labelRemoved"]


@dataclass(frozen=True, slots=True)
class GmailAdapter:
    """Reads one mailbox. Holds no connection and no token of its own."""

    access: Access
    api: Gmail

    @property
    def fetch_requests(self) -> None:
        """Return None: a message costs the same units, however it is asked for."""

    @unexpected_responses.is_unexpected
    def profile(self) -> MailboxProfile:
        answer = call(self.api.users.getProfile(userId=ME), self.access)
        return MailboxProfile(
            message_count=storable_values.number(answer.get("messagesTotal")),
            cursor=provider_id(answer["historyId"]),
        )

    @unexpected_responses.is_unexpected
    def labels(self) -> Mapping[str, str]:
        answer = call(self.api.labels.list(userId=ME), self.access)
        return {
            provider_id(label["id"]): storable_values.text(label.get("name"))
            for label in answer.get("labels") or ()
            if label.get("type") == "user"
        }

    @unexpected_responses.is_unexpected
    def list_page(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        query: str = "",
        page: str | None = None,
        limit: int = MAX_PAGE,
    ) -> ListPage:
        # Given as numbers, both are in seconds; `after:` includes its second, `before:` does not.
        bounds = [f"after:{int(since.timestamp())}"] if since else []
        bounds += [f"before:{int(until.timestamp())}"] if until else []
        request = self.api.messages.list(
            userId=ME,
            maxResults=min(limit, MAX_PAGE),
            includeSpamTrash=False,
            pageToken=page,
            # An OR binds its two neighbours, so that what is typed leaves the bounds alone.
            q=" ".join([*bounds, query]).strip() or None,
        )
        answer = call(request, self.access)
        return ListPage(
            # The key is absent when nothing is on the page.
            refs=tuple(
                MessageRef(str(item["id"]), str(item["threadId"]))
                for item in answer.get("messages") or ()
            ),
            next_page=storable_values.token(answer.get("nextPageToken")),
            estimate=storable_values.number(answer.get("resultSizeEstimate")),
        )

    @unexpected_responses.is_unexpected
    def fetch(self, wanted: Sequence[Wanted]) -> Sequence[RemoteThread | errors.ProviderError]:
        requests = [
            self._thread(one.thread_id) if one.thread_id else self._message(one.message_id)
            for one in wanted
        ]
        answers = call_each(requests, self.access, url=self.api.batch_url)
        answers = [_usable(one, answer) for one, answer in zip(wanted, answers, strict=True)]
        resources = [_resources(one, answer) for one, answer in zip(wanted, answers, strict=True)]
        # All in one task: to ask a process costs as much as to read a short message.
        read = iter(gmail_message.messages([one for found in resources for one in found]))
        return [
            _meant(one, answer, list(zip(found, islice(read, len(found)), strict=True)))
            for one, answer, found in zip(wanted, answers, resources, strict=True)
        ]

    @unexpected_responses.is_unexpected
    def changes(self, cursor: str) -> ChangePage:
        records: list[dict[str, Any]] = []
        page = None
        for _ in range(_MOST_PAGES):
            request = self.api.history.list(
                userId=ME,
                startHistoryId=cursor,
                historyTypes=_KINDS,
                maxResults=CHANGES_PAGE,
                pageToken=page,
            )
            # Gmail answers 404 for a historyId it has forgotten.
            answer = call(request, self.access, not_found=errors.CursorExpired)
            records = answer.get("history") or []
            page = storable_values.token(answer.get("nextPageToken"))
            if page is None:
                return history.page(records, cursor=provider_id(answer["historyId"]), more=False)
            if records:
                # Page tokens age; the id of the last record resumes at the same
                # place and is as good tomorrow as now.
                return history.page(records, cursor=provider_id(records[-1]["id"]), more=True)
        raise errors.Unexpected("the pages of changes do not end")

    @unexpected_responses.is_unexpected
    def attachment(self, message_id: str, part: str) -> ArrivingFile:
        resource = call(self._message(message_id), self.access)
        body = attachments.body_of(resource.get("payload") or {}, part)
        if body is None:
            raise errors.Gone("the message has no such part")
        if storable_values.number(body.get("size")) > attachments.MAX_BYTES:
            raise errors.Rejected("the attachment is larger than we carry", reason="too-large")
        # Attachment ids change between reads; this one is a moment old.
        if not body.get("attachmentId"):
            return attachments.inline(body)
        request = self.api.attachments.get(userId=ME, messageId=message_id, id=body["attachmentId"])
        return attachments.stream(request, self.access)

    def _message(self, message_id: str) -> Any:
        return self.api.messages.get(userId=ME, id=message_id, format="full")

    def _thread(self, thread_id: str) -> Any:
        return self.api.threads.get(userId=ME, id=thread_id, format="full")


def _usable(wanted: Wanted, answer: Outcome) -> Outcome:
    """Return an answer whose messages can be told apart; of another shape, it is rejected."""
    try:
        _resources(wanted, answer)
    except unexpected_responses.KINDS:
        return errors.Rejected("the message cannot be read", reason="undecodable")
    return answer


def _resources(wanted: Wanted, answer: Outcome) -> list[Mapping[str, Any]]:
    """Return the messages of an answer that are to be read: none in spam or trash."""
    if isinstance(answer, errors.ProviderError):
        return []
    found = answer.get("messages") or () if wanted.thread_id else (answer,)
    return [one for one in found if not gmail_message.is_hidden(one)]


def _meant(
    wanted: Wanted,
    answer: Outcome,
    read: Sequence[tuple[Mapping[str, Any], RemoteMessage | errors.Rejected]],
) -> RemoteThread | errors.ProviderError:
    if isinstance(answer, errors.ProviderError):
        return answer
    messages = [one for _, one in read if isinstance(one, RemoteMessage)]
    rejected = {
        name_of(of, place): one
        for place, (of, one) in enumerate(read)
        if isinstance(one, errors.Rejected)
    }
    if not wanted.thread_id:
        hidden = errors.Gone("the message is in spam or trash")
        return next(iter(rejected.values()), RemoteThread(tuple(messages)) if messages else hidden)
    messages.sort(key=lambda message: message.received_at)
    return RemoteThread(tuple(messages), {one: why.reason for one, why in rejected.items()})


@contextmanager
def open_mail(access: Access) -> Iterator[GmailAdapter]:
    """Hold an adapter to the mailbox that `access` is for."""
    here = replace(access, root_url=_root(access.root_url))
    yield GmailAdapter(here, gmail(here.root_url))


@lru_cache(maxsize=8)
def _root(root_url: str) -> str:
    return root_of(root_url)
