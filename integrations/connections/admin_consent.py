"""
Requests for an administrator's consent: one link each, and its answer.

The answer proves nothing, because the administrator has no account with us: it changes only the
text that the row's owner reads. The provider checks the consent when the owner connects.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts import row_owner
from integrations.access import cross_user_lookups
from integrations.models import Approval, ApprovalState

from . import notices

logger = logging.getLogger(__name__)

STATE_BYTES: Final = 32
# Administrators take days. The lifetime starts again with the answer.
LIFETIME: Final = timedelta(days=14)

_STATE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminConsentRequest:
    """:param connection_id: to add the product to, or to renew"""

    user_id: UUID
    organisation_id: UUID
    provider: str
    product: str
    connection_id: UUID | None = None


def create_admin_consent_request(request: AdminConsentRequest, *, at: datetime) -> str:
    """
    Return the link's state: 256 random bits, base64url.

    An earlier link for the same person, organisation, provider and product stops working.
    """
    state = secrets.token_urlsafe(STATE_BYTES)
    Approval.objects.update_or_create(
        user_id=request.user_id,
        organisation_id=request.organisation_id,
        provider=request.provider,
        product=request.product,
        defaults={
            "connection_id": request.connection_id,
            "state_hash": _hash_state(state),
            "state": ApprovalState.WAITING,
            "asked_at": at,
            "answered_at": None,
            "expires_at": at + LIFETIME,
        },
    )
    return state


def record_admin_consent_answer(*, state: str, is_given: bool, at: datetime) -> bool:
    """Record the first answer only; return whether a request was waiting."""
    if not _STATE.fullmatch(state):
        return False
    hashed = _hash_state(state)
    owner = cross_user_lookups.find_approval_owner(state_hash=hashed)
    if owner is None:
        return False
    # Found by the state; from this line on, act for the row's owner.
    with row_owner.acting_for(*owner), transaction.atomic():
        waiting = Approval.objects.filter(
            state_hash=hashed, state=ApprovalState.WAITING, expires_at__gt=at
        )
        updated_count = waiting.update(
            state=ApprovalState.GIVEN if is_given else ApprovalState.REFUSED,
            answered_at=at,
            expires_at=at + LIFETIME,
        )
        if updated_count:
            notices.notify_of_answer(Approval.objects.get(state_hash=hashed), at=at)
    logger.info("approval.answered", extra={"count": updated_count})
    return bool(updated_count)


def list_admin_consent_requests(
    *, user_id: UUID, organisation_id: UUID, at: datetime
) -> list[Approval]:
    """Return waiting and answered requests, oldest first."""
    approvals = Approval.objects.filter(user_id=user_id, organisation_id=organisation_id)
    return list(approvals.filter(expires_at__gt=at).order_by("id"))


def delete_request(*, approval_id: UUID, user_id: UUID, organisation_id: UUID) -> bool:
    """Delete the request and end its link; return False if it is another person's."""
    approvals = Approval.objects.filter(user_id=user_id, organisation_id=organisation_id)
    count, _ = approvals.filter(id=approval_id).delete()
    return bool(count)


def delete_fulfilled(*, user_id: UUID, organisation_id: UUID, provider: str, product: str) -> None:
    approvals = Approval.objects.filter(user_id=user_id, organisation_id=organisation_id)
    approvals.filter(provider=provider, product=product).delete()


def delete_expired(*, at: datetime) -> int:
    count, _ = Approval.objects.filter(expires_at__lte=at).delete()
    return count


def _hash_state(state: str) -> bytes:
    # 256 random bits need no salt or key.
    return hashlib.sha256(b"approval/1\0" + state.encode()).digest()
