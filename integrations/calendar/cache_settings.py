"""What an owner does with the copies of connected calendars: delete them, ask again, keep less."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.actors import Actor
from integrations.access import scopes
from integrations.access.request_context import NotAChoice, NotFound
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import CACHE_CHOICES, Calendar, Integration, SyncWork

from .sync import cache_eviction
from .sync.cache_eviction import Reason


def erase(*, actor: Actor, integration_id: UUID, at: datetime) -> int:
    """
    Delete what is kept of connected calendars now, and return how many events that were.

    At once and for good: nothing is brought in until its owner asks again. What is connected stays
    connected. Calendars that live here are no copies: see `local_calendars`.

    :raises NotFound: if nothing of that id is theirs
    """
    with transaction.atomic(durable=True):
        integration = _mine(actor, integration_id)
        held = Calendar.objects.filter(integration=integration, is_local=False)
        copies = list(
            held.select_related("integration")
            .select_for_update(no_key=True, of=("self",))
            .order_by("id")
        )
        return cache_eviction.erase(copies, reason=Reason.OWNER, at=at)


def ask_again(*, actor: Actor, integration_id: UUID, at: datetime) -> None:
    """
    Bring calendars in again that were deleted, or look for news at once.

    :raises NotFound: if nothing of that id is theirs
    """
    with transaction.atomic(durable=True):
        integration = _mine(actor, integration_id)
        held = Calendar.objects.filter(integration=integration, is_local=False)
        held.update(cleared_at=None, asked_at=at)
        works = SyncWork.objects.filter(integration=integration).select_for_update(no_key=True)
        for work in works.order_by("id"):
            work.next_sync_at = at
            work.save(update_fields=["next_sync_at"])
            enqueue_on_commit("integrations.sync_mail", work_id=work.id)


def keep_for(*, actor: Actor, integration_id: UUID, hours: int) -> None:
    """
    Keep copies no longer than that; what is older already goes with the next sweep.

    :raises NotFound: if nothing of that id is theirs
    :raises NotAChoice: if that is none of the choices
    """
    if hours not in CACHE_CHOICES or hours > scopes.cached_hours("calendar"):
        raise NotAChoice
    with transaction.atomic(durable=True):
        integration = _mine(actor, integration_id)
        integration.cache_hours = hours
        integration.save(update_fields=["cache_hours"])


def _mine(actor: Actor, integration_id: UUID) -> Integration:
    if actor.user_id is None or actor.organisation_id is None:
        raise NotFound
    mine = Integration.objects.live().owned_by(actor.user_id, actor.organisation_id)
    found = mine.filter(id=integration_id, product="calendar").select_for_update(
        no_key=True, of=("self",)
    )
    integration = found.first()
    if integration is None:
        raise NotFound
    return integration
