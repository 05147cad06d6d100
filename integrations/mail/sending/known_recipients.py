"""Whether an owner has corresponded with everyone to whom a feature proposes a draft."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

import orjson

from accounts.actors import Actor
from integrations.access import sending_permits
from integrations.formats.mime.addresses import MailAddress
from integrations.models import Integration, Message
from limited_use.sinks import comparison_sink
from limited_use.sinks.sealed_rows import SealedRow

#: Newest messages of the mailbox that are compared.
MAX_MESSAGES: Final = 2_000
_FIELDS: Final = ("from", "reply_to", "to", "cc", "bcc")
# What was not sent is no correspondence.
_UNSENT: Final = "drafts"


def are_recipients_known(
    recipients: Iterable[MailAddress], mailbox: Integration, *, actor: Actor, at: datetime
) -> bool:
    """
    Compare the recipients with the newest messages of the mailbox. Always opens all of them.

    :param actor: the feature; the permit is recorded for it
    :raises limited_use.guard.guard.AccessRefused:
    """
    newest = (
        Message.objects.filter(
            integration=mailbox,
            user_id=mailbox.connection.user_id,
            organisation_id=mailbox.connection.organisation_id,
        )
        .exclude(folders__contains=[_UNSENT])
        .order_by("-received_at", "-id")
        .only("id", "integration_id", "summary")[:MAX_MESSAGES]
    )
    rows = [SealedRow(None, {"summary": message.summary}) for message in newest]
    permits = sending_permits.to_compare_recipients(
        actor=actor, integration_id=mailbox.id, count=len(rows), at=at
    )
    wanted = frozenset(_fold_address(entry.address) for entry in recipients)
    return comparison_sink.are_all_known(
        wanted, rows, permits=permits, actor=actor, pick=_pick_addresses, at=at
    )


def _pick_addresses(opened: Mapping[str, bytes]) -> Iterator[str]:
    if "summary" not in opened:
        return
    summary = orjson.loads(opened["summary"])
    for field in _FIELDS:
        for _, address in summary[field]:
            yield _fold_address(address)


def _fold_address(address: str) -> str:
    """Ignore letter case, in the local part as well: no mail system tells it apart."""
    return address.casefold()
