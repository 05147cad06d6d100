"""
Outcomes of connect attempts, shown on the settings page until they are settled (see
`ConnectAttempt.settled_at`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from integrations.models import AttemptOutcome, ConnectAttempt

#: How long after its end an unsettled outcome is shown.
SHOWN_FOR: Final = timedelta(hours=1)


def get_unsettled_attempt(
    *, user_id: UUID, organisation_id: UUID, awaited_providers: Collection[str], at: datetime
) -> ConnectAttempt | None:
    """:param awaited_providers: providers with attempts that are shown before they have ended"""
    attempts = _filter_by_person(user_id, organisation_id).filter(settled_at=None)
    ended = Q(ended_at__gt=at - SHOWN_FOR)
    # The browser has not come back yet, and the person looks at our page.
    waiting = Q(outcome=AttemptOutcome.PENDING, used_at=None, provider__in=list(awaited_providers))
    latest = attempts.filter(ended | waiting).annotate(since=Coalesce("ended_at", "began_at"))
    return latest.order_by("-since", "-id").first()


def lock_attempt(attempt_id: UUID) -> tuple[ConnectAttempt, list[UUID]]:
    """
    Return the attempt, and the ids of unsettled others of its person, provider and product.

    Locked in order of id, so that two successes at once do not deadlock.

    :raises ConnectAttempt.DoesNotExist: if it was deleted with the connection to renew
    """
    attempt = ConnectAttempt.objects.get(id=attempt_id)
    attempts = _filter_by_product(
        user_id=attempt.user_id,
        organisation_id=attempt.organisation_id,
        provider=attempt.provider,
        product=attempt.product,
    ).filter(Q(id=attempt_id) | Q(settled_at=None))
    locked_attempts = attempts.order_by("id").select_for_update(no_key=True, of=("self",))
    by_id = {locked_attempt.id: locked_attempt for locked_attempt in locked_attempts}
    if attempt_id not in by_id:
        raise ConnectAttempt.DoesNotExist
    return by_id.pop(attempt_id), list(by_id)


def settle_attempts(attempt_ids: Collection[UUID], *, at: datetime) -> None:
    """The caller has locked the attempts."""
    ConnectAttempt.objects.filter(id__in=attempt_ids).update(settled_at=at)


def settle_product_attempts(
    *, user_id: UUID, organisation_id: UUID, provider: str, product: str, at: datetime
) -> None:
    _lock_and_settle(
        _filter_by_product(
            user_id=user_id, organisation_id=organisation_id, provider=provider, product=product
        ),
        at=at,
    )


def dismiss_attempt(
    *, attempt_id: UUID, user_id: UUID, organisation_id: UUID, at: datetime
) -> bool:
    """
    Settle the attempt and earlier ones, because only the latest is shown. Return False if the
    attempt is another person's.
    """
    attempts = _filter_by_person(user_id, organisation_id)
    attempt = attempts.filter(id=attempt_id).first()
    if attempt is None:
        return False
    until = attempt.ended_at or attempt.began_at
    _lock_and_settle(attempts.filter(Q(id=attempt_id) | Q(ended_at__lte=until)), at=at)
    return True


def _lock_and_settle(attempts: QuerySet[ConnectAttempt], *, at: datetime) -> None:
    with transaction.atomic():
        unsettled = attempts.filter(settled_at=None).order_by("id")
        locked_attempts = unsettled.select_for_update(no_key=True, of=("self",))
        settle_attempts(list(locked_attempts.values_list("id", flat=True)), at=at)


def _filter_by_product(
    *, user_id: UUID, organisation_id: UUID, provider: str, product: str
) -> QuerySet[ConnectAttempt]:
    return _filter_by_person(user_id, organisation_id).filter(provider=provider, product=product)


def _filter_by_person(user_id: UUID, organisation_id: UUID) -> QuerySet[ConnectAttempt]:
    return ConnectAttempt.objects.filter(user_id=user_id, organisation_id=organisation_id)
