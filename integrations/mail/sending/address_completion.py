"""
Addresses to complete in the form of a message: from the owner's own mail, and colleagues.

They are made of the sealed summaries for each request, and stored nowhere.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from accounts import people
from accounts.people import Colleague
from integrations.access import permits
from integrations.access.request_context import RequestContext
from integrations.mail import visible_mailboxes
from integrations.models import Message
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks import json_sink
from limited_use.sinks.sealed_rows import SealedRow

from .message_owner import get_owner_columns

#: Newest messages of all mailboxes that are read.
MAX_MESSAGES: Final = 2_000
MAX_ADDRESSES: Final = 1_000
#: After this time, a message counts half.
_HALF_LIFE_DAYS: Final = 30
_SECONDS_OF_DAY: Final = 86_400
#: Being written to says more than writing.
_SENT_WEIGHT: Final = 3.0


def render_addresses(context: RequestContext) -> bytes:
    """
    Return JSON with at most `MAX_ADDRESSES`, the most likely first.

    :raises limited_use.guard.guard.AccessRefused:
    """
    mailboxes = visible_mailboxes.find_visible_mailboxes(context)
    newest = (
        Message.objects.filter(
            **get_owner_columns(context),
            integration_id__in=mailboxes.connection_ids,
        )
        .order_by("-received_at", "-id")
        .only("id", "integration_id", "received_at", "folders", "summary")[:MAX_MESSAGES]
    )
    messages = list(newest)
    counts = Counter(message.integration_id for message in messages)
    granted = permits.to_display(
        actor=context.actor,
        counts=dict(counts),
        data_classes=(DataClass.MAIL_METADATA,),
        at=context.at,
        snapshot=mailboxes.mailbox_facts,
    )
    colleagues = people.find_colleagues(limit=MAX_ADDRESSES)
    row = SealedRow(
        {message.id: message for message in messages},
        {str(message.id): message.summary for message in messages},
    )

    def shape(by_id: Mapping[UUID, Message], opened: Mapping[str, bytes]) -> dict[str, Any]:
        summaries = (
            (by_id[UUID(message_id)], orjson.loads(summary))
            for message_id, summary in opened.items()
        )
        return {"addresses": rank_addresses(summaries, colleagues, at=context.at)}

    return json_sink.render_json_page(
        [row], permits=granted, actor=context.actor, shape=shape, at=context.at, under="lists"
    )


def rank_addresses(
    summaries: Iterable[tuple[Message, Mapping[str, Any]]],
    colleagues: Iterable[Colleague],
    *,
    at: datetime,
) -> list[dict[str, str]]:
    """Rank by how often and how recently an address occurs; colleagues without mail follow."""
    scores: dict[str, float] = {}
    names: dict[str, dict[str, str]] = {}
    for message, summary in summaries:
        age_days = max(0.0, (at - message.received_at).total_seconds() / _SECONDS_OF_DAY)
        weight = math.exp2(-age_days / _HALF_LIFE_DAYS)
        is_own = "sent" in message.folders
        fields = ("to", "cc", "bcc") if is_own else ("from", "reply_to", "cc")
        for name, address in (pair for field in fields for pair in summary[field]):
            if "@" not in address:
                continue
            key = address.casefold()
            scores[key] = scores.get(key, 0.0) + weight * (_SENT_WEIGHT if is_own else 1.0)
            known = names.setdefault(key, {"name": name, "address": address})
            if not known["name"]:
                known["name"] = name
    for colleague in colleagues:
        key = colleague.address.casefold()
        scores.setdefault(key, 0.0)
        names.setdefault(key, {"name": colleague.name, "address": colleague.address})
    ranked = sorted(scores, key=lambda key: (-scores[key], key))
    return [names[key] for key in ranked[:MAX_ADDRESSES]]
