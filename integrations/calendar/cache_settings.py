from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.actors import Actor
from integrations.access import scopes
from integrations.access.request_context import InvalidChoice, ObjectNotFound
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import CACHE_CHOICES, Calendar, Integration, SyncWork

from .sync import cache_eviction
from .sync.cache_eviction import EvictionReason


def delete_copies(*, actor: Actor, integration_id: UUID, at: datetime) -> int:
    """
    Delete copies, and return the number of deleted events.

    Nothing is fetched until the owner requests it. Local calendars are no copies: see
    `local_calendars`.

    :raises ObjectNotFound:
    """
    with transaction.atomic(durable=True):
        integration = _lock_own_integration(actor, integration_id)
        calendars = Calendar.objects.filter(integration=integration, is_local=False)
        copies = list(
            calendars.select_related("integration")
            .select_for_update(no_key=True, of=("self",))
            .order_by("id")
        )
        return cache_eviction.evict_copies(copies, reason=EvictionReason.OWNER, at=at)


def request_copies(*, actor: Actor, integration_id: UUID, at: datetime) -> None:
    """
    Fetch deleted copies again, or check for changes at once.

    :raises ObjectNotFound:
    """
    with transaction.atomic(durable=True):
        integration = _lock_own_integration(actor, integration_id)
        calendars = Calendar.objects.filter(integration=integration, is_local=False)
        calendars.update(cleared_at=None, asked_at=at)
        works = SyncWork.objects.filter(integration=integration).select_for_update(no_key=True)
        for work in works.order_by("id"):
            work.next_sync_at = at
            work.save(update_fields=["next_sync_at"])
            enqueue_on_commit("integrations.sync_mail", work_id=work.id)


def set_cache_hours(*, actor: Actor, integration_id: UUID, hours: int) -> None:
    """
    Limit the age of copies; the next sweep evicts older ones.

    :raises ObjectNotFound, InvalidChoice:
    """
    if hours not in CACHE_CHOICES or hours > scopes.get_cache_hours("calendar"):
        raise InvalidChoice
    with transaction.atomic(durable=True):
        integration = _lock_own_integration(actor, integration_id)
        integration.cache_hours = hours
        integration.save(update_fields=["cache_hours"])


def _lock_own_integration(actor: Actor, integration_id: UUID) -> Integration:
    if actor.user_id is None or actor.organisation_id is None:
        raise ObjectNotFound
    own_integrations = Integration.objects.live().owned_by(actor.user_id, actor.organisation_id)
    locked = own_integrations.filter(id=integration_id, product="calendar").select_for_update(
        no_key=True, of=("self",)
    )
    integration = locked.first()
    if integration is None:
        raise ObjectNotFound
    return integration
