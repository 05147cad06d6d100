"""
Search in all of a person's mail, at its own provider: shown, and stored nowhere.

Beyond the horizon mail stays where it is. The provider is asked inside the sink that shows its
answer; a search leaves one entry in the ledger for each mailbox, and nothing of what was typed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from integrations.access import permits
from integrations.access.fences import NoLongerLive
from integrations.access.permits import Permits
from integrations.grants import provider_calls
from integrations.models import Connection, Message
from integrations.providers import PROVIDERS, errors
from integrations.providers.mail import RemoteMessage, RemoteThread, Wanted
from limited_use.policy.vocabulary import DataClass
from limited_use.sinks import page
from limited_use.sinks.rows import Row
from limited_use.vault.keys import Destroyed
from limited_use.vault.sealing import sealer

from . import Asked, remote_message_refs, row_types, visible_mailboxes
from .mailbox_last_looks import note_look
from .remote_message_refs import Box
from .sync.provider_ids import MESSAGE

# Messages that one look at a mailbox shows, and characters of what is searched for.
MOST: Final = 20
LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Search:
    """
    Mailboxes to look into: rows and permits for the sink that shows them, and what looks.

    :param waits: seconds after which to look again into mailboxes whose quota is used up; known
        once the rest was shown
    """

    rows: Sequence[Row]
    permits: Permits
    shape: Callable[[Box, Mapping[str, bytes]], page.Shown]
    waits: list[int]

    @property
    def is_put_off(self) -> bool:
        """Whether no mailbox could be looked into yet."""
        return bool(self.rows) and len(self.waits) == len(self.rows)


def search(
    asked: Asked, words: str, *, before: datetime | None = None, only: UUID | None = None
) -> Search:
    """
    Return a person's mailboxes, to be searched for `words` as the provider's own box would.

    :param before: leave out what was received then or later
    :param only: one of the mailboxes, by integration
    :raises limited_use.guard.guard.Refused: if the policy does not allow it
    """
    theirs = visible_mailboxes.of(asked)
    boxes = {one: connection for one, connection in theirs.shown.items() if only in {None, one}}
    connections = Connection.objects.in_bulk(list(boxes.values()))
    granted = permits.to_display(
        actor=asked.actor,
        counts=dict.fromkeys(boxes),
        data_classes=(DataClass.MAIL_METADATA,),
        at=asked.at,
        found=theirs.found,
    )
    note_look(boxes, at=asked.at)
    accounts = permits.to_show_accounts(
        actor=asked.actor, connection_ids=list(connections), at=asked.at
    )
    rows = [
        Row(
            Box(one, connection, PROVIDERS[connections[connection].provider].label),
            {"email": connections[connection].email},
        )
        for one, connection in boxes.items()
    ]
    waits: list[int] = []
    looking = _Looking(granted, words, before, waits)
    return Search(rows, {**granted, **accounts}, looking.shape, waits)


@dataclass(frozen=True, slots=True)
class _Looking:
    """Asks the boxes' own providers, from inside the sink that shows what they answer."""

    permits: Permits
    words: str
    before: datetime | None
    waits: list[int]

    def shape(self, box: Box, opened: Mapping[str, bytes]) -> page.Shown:
        said: dict[str, Any] = {"box": box, "failed": "", "before": None, "again_in": 0}
        messages: list[row_types.Shape] = []
        try:
            found, is_more = self._ask(box)
            messages = self._shown(box, found)
            said["before"] = _following(found) if is_more else None
        except (errors.ProviderError, NoLongerLive, Destroyed) as error:
            said["failed"] = remote_message_refs.why(error)
            if isinstance(error, errors.RateLimited) and error.status is None:
                # Our own count of what may be asked: it says when there is more.
                said["again_in"] = max(1, math.ceil(error.retry_after or 1))
                self.waits.append(said["again_in"])
        email = opened.get("email", b"").decode()
        return page.Shown(said, {"email": email, "messages": messages})

    def _ask(self, box: Box) -> tuple[list[RemoteMessage], bool]:
        with provider_calls.opened(box.connection_id) as (units, call):
            listed = call(
                units.list_page,
                lambda adapter: adapter.list_page(query=self.words, until=self.before, limit=MOST),
            )
            wanted = [Wanted(message_id=ref.message_id) for ref in listed.refs[:MOST]]
            if not wanted:
                return [], False
            answers = call(units.fetch * len(wanted), lambda adapter: adapter.fetch(wanted))
        found = [one for answer in answers for one in _messages(answer)]
        return found, listed.next_page is not None

    def _shown(self, box: Box, found: Sequence[RemoteMessage]) -> list[row_types.Shape]:
        """Return what a list shows, each with where it is: here, or at the provider."""
        permit = self.permits[box.integration_id, DataClass.MAIL_METADATA]
        key = sealer(holder=box.integration_id, epoch=permit.epoch)
        blinds = {key.blind(MESSAGE, one.message_id): one for one in found}
        here = Message.objects.filter(
            integration_id=box.integration_id, remote_blind__in=list(blinds)
        ).values_list("remote_blind", "thread_id")
        threads = {bytes(blind): thread for blind, thread in here}
        return [
            {
                **remote_message_refs.head(one, box),
                "thread_id": threads.get(blind),
                "place": None
                if blind in threads
                else remote_message_refs.place(key, {"id": one.message_id}),
            }
            for blind, one in blinds.items()
        ]


def _messages(answer: RemoteThread | errors.ProviderError) -> Sequence[RemoteMessage]:
    if isinstance(answer, RemoteThread):
        return answer.messages
    if isinstance(answer, errors.Gone | errors.Rejected):
        # In spam, deleted meanwhile, or not to be read: nothing to show, and no failure.
        return ()
    raise answer


def _following(found: Sequence[RemoteMessage]) -> datetime | None:
    """Return before when the next look goes on; the last second of this one comes again."""
    if not found:
        return None
    oldest = min(one.received_at for one in found)
    is_one_second = oldest == max(one.received_at for one in found)
    return oldest if is_one_second else oldest + timedelta(seconds=1)
