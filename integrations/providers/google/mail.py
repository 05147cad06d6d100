"""Gmail behind `MailAdapter`. The cursor is a historyId."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from integrations.mime.message import bounded_size
from integrations.providers import errors
from integrations.providers.access import Access
from integrations.providers.base import (
    ChangePage,
    ListPage,
    MailboxProfile,
    MessageRef,
    RemoteMessage,
    RemoteThread,
    Wanted,
)

from . import attachments, history, reading
from .batch import Outcome, call_each
from .calls import call
from .services import Gmail, gmail, root_of

ME: Final = "me"
MAX_PAGE: Final = 500
# What a page of changes brings is fetched whole or begun anew, so that it has to fit into what
# may be spent of the quota at once: fifty messages do.
CHANGES_PAGE: Final = 50
_KINDS: Final = ["messageAdded", "messageDeleted", "labelAdded", "labelRemoved"]


@dataclass(frozen=True, slots=True)
class GmailAdapter:
    """Reads one mailbox. Holds no connection and no token of its own."""

    access: Access
    api: Gmail

    def profile(self) -> MailboxProfile:
        answer = call(self.api.users.getProfile(userId=ME), self.access)
        return MailboxProfile(
            email=str(answer.get("emailAddress") or ""),
            message_count=bounded_size(answer.get("messagesTotal")),
            cursor=str(answer["historyId"]),
        )

    def labels(self) -> Mapping[str, str]:
        answer = call(self.api.labels.list(userId=ME), self.access)
        return {
            label["id"]: str(label.get("name") or "")
            for label in answer.get("labels") or ()
            if label.get("type") == "user"
        }

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
            next_page=answer.get("nextPageToken") or None,
            estimate=bounded_size(answer.get("resultSizeEstimate")),
        )

    def fetch(self, wanted: Sequence[Wanted]) -> Sequence[RemoteThread | errors.ProviderError]:
        requests = [
            self._thread(one.thread_id) if one.thread_id else self._message(one.message_id)
            for one in wanted
        ]
        answers = call_each(requests, self.access, url=self.api.batch_url)
        resources = [_resources(one, answer) for one, answer in zip(wanted, answers, strict=True)]
        # All in one task: to ask a process costs as much as to read a short message.
        read = iter(reading.messages([one for found in resources for one in found]))
        return [
            _meant(one, answer, list(zip(found, islice(read, len(found)), strict=True)))
            for one, answer, found in zip(wanted, answers, resources, strict=True)
        ]

    def changes(self, cursor: str) -> ChangePage:
        records: list[dict[str, Any]] = []
        page = None
        while True:
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
            page = answer.get("nextPageToken")
            if records or not page:
                break
        if page:
            # Page tokens age; the id of the last record resumes at the same
            # place and is as good tomorrow as now.
            return history.page(records, cursor=str(records[-1]["id"]), more=True)
        return history.page(records, cursor=str(answer["historyId"]), more=False)

    def attachment(self, message_id: str, part: str) -> Iterator[bytes]:
        resource = call(self._message(message_id), self.access)
        body = attachments.body_of(resource.get("payload") or {}, part)
        if body is None:
            raise errors.Gone("the message has no such part")
        if int(body.get("size") or 0) > attachments.MAX_BYTES:
            raise errors.Rejected("the attachment is larger than we carry", reason="too-large")
        # Attachment ids change between reads; this one is a moment old.
        if not body.get("attachmentId"):
            return iter((attachments.inline(body),))
        request = self.api.attachments.get(userId=ME, messageId=message_id, id=body["attachmentId"])
        return attachments.stream(request, self.access)

    def _message(self, message_id: str) -> Any:
        return self.api.messages.get(userId=ME, id=message_id, format="full")

    def _thread(self, thread_id: str) -> Any:
        return self.api.threads.get(userId=ME, id=thread_id, format="full")


def _resources(wanted: Wanted, answer: Outcome) -> list[Mapping[str, Any]]:
    """Return the messages of an answer that are to be read: none in spam or trash."""
    if isinstance(answer, errors.ProviderError):
        return []
    found = answer.get("messages") or () if wanted.thread_id else (answer,)
    return [one for one in found if not reading.is_hidden(one)]


def _meant(
    wanted: Wanted,
    answer: Outcome,
    read: Sequence[tuple[Mapping[str, Any], RemoteMessage | errors.Rejected]],
) -> RemoteThread | errors.ProviderError:
    if isinstance(answer, errors.ProviderError):
        return answer
    messages = [one for _, one in read if isinstance(one, RemoteMessage)]
    rejected = {str(of.get("id")): one for of, one in read if isinstance(one, errors.Rejected)}
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
