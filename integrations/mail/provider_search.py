"""
Search all of a person's mail at its provider: results are shown, and never stored.

Mail beyond the horizon stays at the provider, which is asked inside the sink that shows its
answer. A search leaves one ledger entry per mailbox, without its text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from integrations.access import permits
from integrations.access.fences import DisconnectedError
from integrations.access.permits import Permits
from integrations.grants import provider_calls
from integrations.models import Connection, Message
from integrations.providers import PROVIDERS, errors
from integrations.providers.mail import FetchTarget, RemoteMessage, RemoteThread
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks import page_sink
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.vault.data_keys import KeyDestroyed
from limited_use.vault.sealing import get_sealer

from . import RequestContext, mail_row_types, remote_message_refs, visible_mailboxes
from . import messages as texts
from .mailbox_last_looks import record_look
from .remote_message_refs import RemoteMailbox
from .sync.provider_ids import MESSAGE

# Most messages per mailbox and page, and most characters of the search text.
MOST: Final = 20
LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class MailSearch:
    """:param waits: seconds until a retry, by mailbox without quota; known after rendering"""

    rows: Sequence[SealedRow]
    permits: Permits
    shape: Callable[[RemoteMailbox, Mapping[str, bytes]], page_sink.TemplateItem]
    waits: list[int]

    @property
    def is_postponed(self) -> bool:
        return bool(self.rows) and len(self.waits) == len(self.rows)


def search_mailboxes(
    context: RequestContext, words: str, *, before: datetime | None = None, only: UUID | None = None
) -> MailSearch:
    """
    :param words: in the provider's syntax
    :param before: exclusive
    :param only: one mailbox, by integration
    :raises limited_use.guard.guard.AccessRefused:
    """
    mailboxes = visible_mailboxes.find_visible_mailboxes(context)
    connection_by_integration = {
        integration_id: connection_id
        for integration_id, connection_id in mailboxes.connection_ids.items()
        if only in {None, integration_id}
    }
    connections = Connection.objects.in_bulk(list(connection_by_integration.values()))
    granted = permits.to_display(
        actor=context.actor,
        counts=dict.fromkeys(connection_by_integration),
        data_classes=(DataClass.MAIL_METADATA,),
        at=context.at,
        snapshot=mailboxes.mailbox_facts,
    )
    record_look(connection_by_integration, at=context.at)
    accounts = permits.to_show_accounts(
        actor=context.actor, connection_ids=list(connections), at=context.at
    )
    rows = [
        _make_row(integration_id, connections[connection_id])
        for integration_id, connection_id in connection_by_integration.items()
    ]
    waits: list[int] = []
    searcher = _MailboxSearcher(granted, words, before, waits)
    return MailSearch(rows, {**granted, **accounts}, searcher.search_mailbox, waits)


def _make_row(integration_id: UUID, connection: Connection) -> SealedRow:
    provider = PROVIDERS[connection.provider]
    mailbox = RemoteMailbox(integration_id, connection.id, provider.label, provider.webmail_url)
    return SealedRow(mailbox, {"email": connection.email})


@dataclass(frozen=True, slots=True)
class _MailboxSearcher:
    permits: Permits
    words: str
    before: datetime | None
    waits: list[int]

    def search_mailbox(
        self, mailbox: RemoteMailbox, opened: Mapping[str, bytes]
    ) -> page_sink.TemplateItem:
        clear: dict[str, Any] = {"mailbox": mailbox, "failed": "", "before": None, "again_in": 0}
        messages: list[mail_row_types.MailJson] = []
        try:
            matches, is_more = self._fetch_matches(mailbox)
            messages = self._shape_matches(mailbox, matches)
            clear["before"] = _get_next_before(matches) if is_more else None
        except (errors.ProviderError, DisconnectedError, KeyDestroyed) as error:
            clear["failed"] = texts.explain_message_error(error)
            clear["needs_reconnect"] = isinstance(error, texts.ACCESS_ERRORS)
            if isinstance(error, errors.RateLimited) and error.status is None:
                # Our own quota: its error says when there is more.
                clear["again_in"] = max(1, math.ceil(error.retry_after or 1))
                self.waits.append(clear["again_in"])
        email = opened.get("email", b"").decode()
        return page_sink.TemplateItem(clear, {"email": email, "messages": messages})

    def _fetch_matches(self, mailbox: RemoteMailbox) -> tuple[list[RemoteMessage], bool]:
        with provider_calls.open_mailbox(mailbox.connection_id) as (units, call):
            listed = call(
                units.list_page,
                lambda adapter: adapter.list_messages(
                    query=self.words, until=self.before, limit=MOST
                ),
            )
            requests = [FetchTarget(message_id=ref.message_id) for ref in listed.refs[:MOST]]
            if not requests:
                return [], False
            answers = call(
                units.fetch * len(requests), lambda adapter: adapter.fetch_messages(requests)
            )
        matches = [message for answer in answers for message in _get_messages(answer)]
        return matches, listed.next_page is not None

    def _shape_matches(
        self, mailbox: RemoteMailbox, matches: Sequence[RemoteMessage]
    ) -> list[mail_row_types.MailJson]:
        permit = self.permits[mailbox.integration_id, DataClass.MAIL_METADATA]
        key = get_sealer(holder=mailbox.integration_id, epoch=permit.epoch)
        blinds = {key.compute_blind(MESSAGE, message.message_id): message for message in matches}
        stored = Message.objects.filter(
            integration_id=mailbox.integration_id, remote_blind__in=list(blinds)
        ).values_list("remote_blind", "thread_id")
        threads = {bytes(blind): thread for blind, thread in stored}
        return [
            {
                **remote_message_refs.shape_summary(message, mailbox),
                "thread_id": threads.get(blind),
                "place": None
                if blind in threads
                else remote_message_refs.make_remote_message_ref(key, {"id": message.message_id}),
            }
            for blind, message in blinds.items()
        ]


def _get_messages(answer: RemoteThread | errors.ProviderError) -> Sequence[RemoteMessage]:
    if isinstance(answer, RemoteThread):
        return answer.messages
    if isinstance(answer, errors.Gone | errors.Rejected):
        # In spam, just deleted, or unreadable: nothing to show, and no failure.
        return ()
    raise answer


def _get_next_before(messages: Sequence[RemoteMessage]) -> datetime | None:
    """Repeat messages of the last second."""
    if not messages:
        return None
    oldest = min(message.received_at for message in messages)
    is_one_second = oldest == max(message.received_at for message in messages)
    return oldest if is_one_second else oldest + timedelta(seconds=1)
