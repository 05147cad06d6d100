"""
The sink of notifications to an owner's own mailbox, as plain text.

One kind carries provider data: the address of the account. Each kind that carries any declares it
in `notifications`, with the owner's consent as a fence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from accounts.actors import Actor
from limited_use.access_request import FenceKind
from limited_use.notifications.message_kinds import KINDS
from limited_use.policy.policy_vocabulary import Purpose, Recipient

from . import sealed_rows, template_values
from .sealed_rows import Permits, SealedRow
from .template_values import Shape, TemplateItem
from .traceback_guard import WrongSink, guard_plaintext

__all__ = ["SealedRow", "TemplateItem", "render_notification"]

_MAILBOX = frozenset({Recipient.OWNER, Recipient.OWN_PROVIDER})


@guard_plaintext
def render_notification(  # noqa: PLR0913 - a kind of message, what it says, and why it may
    kind: str,
    rows: Sequence[SealedRow],
    *,
    permits: Permits,
    actor: Actor,
    shape: Shape,
    at: datetime,
    context: Mapping[str, Any] | None = None,
) -> bytes:
    """
    Return the text in UTF-8.

    :param kind: a key of `message_kinds.KINDS` that carries provider data
    :raises WrongSink, Unopenable:
    """
    sealed_rows.check_permits(
        permits, actor=actor, purposes={Purpose.NOTIFY_OWNER}, recipients=_MAILBOX
    )
    message_kind = KINDS.get(kind)
    if message_kind is None or message_kind.purpose != Purpose.NOTIFY_OWNER:
        raise WrongSink
    for permit in permits.values():
        is_chosen = any(fence.kind == FenceKind.CONSENT for fence in permit.fences)
        if permit.use.data_class not in message_kind.data_classes or not is_chosen:
            raise WrongSink
    items = (shape(row, values) for row, values in sealed_rows.open_rows(rows, permits, at=at))
    return template_values.render_template(
        f"notices/{message_kind.template}.txt",
        items,
        context=context or {},
        under="items",
        request=None,
    )
