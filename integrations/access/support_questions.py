"""Questions of support that wait for an answer. The pages of messages and events share it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts.actors import Actor
from integrations.models import ItemKind, QuestionState, SupportQuestion

from .request_context import get_owner_ids


def find_waiting_question(*, kind: ItemKind, actor: Actor, at: datetime) -> UUID | None:
    """Return the id of the oldest question that the person can answer with such an item."""
    user_id, _ = get_owner_ids(actor)
    waiting = SupportQuestion.objects.filter(
        user_id=user_id, kind=kind, state=QuestionState.WAITING, expires_at__gt=at
    )
    return waiting.order_by("asked_at", "id").values_list("id", flat=True).first()
