"""
The sink of notifications: what an owner chose to be told in their own mailbox, as plain text.

No kind of message that exists carries provider data, so nothing leaves here. One that does
has to say so in `notifications`, and its choice is an agreement that the permit carries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from accounts.actors import Actor
from limited_use.access_request import FenceKind
from limited_use.notifications.message_kinds import KINDS
from limited_use.policy.vocabulary import Purpose, Recipient

from . import rows as sealed_rows
from . import template_values
from .rows import Permits, Row
from .template_values import Shape, Shown
from .traceback_guard import WrongSink, region

__all__ = ["Row", "Shown", "text"]

_MAILBOX = frozenset({Recipient.OWNER, Recipient.OWN_PROVIDER})


@region
def text(  # noqa: PLR0913 - a kind of message, what it says, and why it may
    kind: str,
    rows: Sequence[Row],
    *,
    permits: Permits,
    actor: Actor,
    shape: Shape,
    at: datetime,
    context: Mapping[str, Any] | None = None,
) -> bytes:
    """
    Return a notification's text in UTF-8, to be put into the owner's own mailbox.

    :param kind: a key of `message_kinds.KINDS` that carries provider data
    :raises WrongSink: if the kind carries no such data, or a permit is not for telling the owner
        what they chose to be told
    :raises Unopenable: if a row does not open: the choice was taken back, or the key is gone
    """
    sealed_rows.check(permits, actor=actor, purposes={Purpose.NOTIFY_OWNER}, recipients=_MAILBOX)
    known = KINDS.get(kind)
    if known is None or known.purpose != Purpose.NOTIFY_OWNER:
        raise WrongSink
    for permit in permits.values():
        chosen = any(fence.kind == FenceKind.CONSENT for fence in permit.fences)
        if permit.use.data_class not in known.carries or not chosen:
            raise WrongSink
    made = (shape(found, values) for found, values in sealed_rows.opened(rows, permits, at=at))
    return template_values.rendered(
        f"notices/{known.template}.txt", made, context=context or {}, under="items", request=None
    )
