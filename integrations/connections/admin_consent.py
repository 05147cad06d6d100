"""
Requests for an administrator's consent: one link each, and the answer that came back.

The administrator has no account with us, and the answer proves nothing. So it is a hint: it finds
one row by the random state of the link, sets allowed or refused once, and changes the text that
the row's owner reads. When the owner connects, the provider checks the administrator's consent
itself; only that check counts.
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

from accounts import row_owner
from integrations.access import cross_user_lookups
from integrations.models import Approval, ApprovalState

logger = logging.getLogger(__name__)

STATE_BYTES: Final = 32
# Administrators take days. The lifetime starts again with their answer.
LIFETIME: Final = timedelta(days=14)

_STATE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminConsentRequest:
    """
    A person's request that an administrator allow a product.

    :param connection_id: the connection to add the product to, or to renew
    """

    user_id: UUID
    organisation_id: UUID
    provider: str
    product: str
    connection_id: UUID | None = None


def create_request(request: AdminConsentRequest, *, at: datetime) -> str:
    """
    Record the request, and return the link's state: 256 random bits, base64url.

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


def record_answer(*, state: str, is_given: bool, at: datetime) -> bool:
    """
    Record the answer that a state came back with; return whether a request was waiting for it.

    Only the first answer with a state counts.
    """
    if not _STATE.fullmatch(state):
        return False
    hashed = _hash_state(state)
    owner = cross_user_lookups.find_approval_owner(state_hash=hashed)
    if owner is None:
        return False
    # Found by the state; from this line on, act for the row's owner.
    with row_owner.acting_for(*owner):
        waiting = Approval.objects.filter(
            state_hash=hashed, state=ApprovalState.WAITING, expires_at__gt=at
        )
        updated_count = waiting.update(
            state=ApprovalState.GIVEN if is_given else ApprovalState.REFUSED,
            answered_at=at,
            expires_at=at + LIFETIME,
        )
    logger.info("approval.answered", extra={"count": updated_count})
    return bool(updated_count)


def list_requests(*, user_id: UUID, organisation_id: UUID, at: datetime) -> list[Approval]:
    """Return the person's waiting and answered requests in this organisation, oldest first."""
    approvals = Approval.objects.filter(user_id=user_id, organisation_id=organisation_id)
    return list(approvals.filter(expires_at__gt=at).order_by("id"))


def delete_request(*, approval_id: UUID, user_id: UUID, organisation_id: UUID) -> bool:
    """
    Delete one of the person's requests, so that its link stops working; False if it belongs to
    another person.
    """
    approvals = Approval.objects.filter(user_id=user_id, organisation_id=organisation_id)
    count, _ = approvals.filter(id=approval_id).delete()
    return bool(count)


def delete_fulfilled(*, user_id: UUID, organisation_id: UUID, provider: str, product: str) -> None:
    """Delete the request for a product that is now connected."""
    approvals = Approval.objects.filter(user_id=user_id, organisation_id=organisation_id)
    approvals.filter(provider=provider, product=product).delete()


def delete_expired(*, at: datetime) -> int:
    """Delete expired requests; return how many."""
    count, _ = Approval.objects.filter(expires_at__lte=at).delete()
    return count


def _hash_state(state: str) -> bytes:
    # 256 random bits need no salt or key.
    return hashlib.sha256(b"approval/1\0" + state.encode()).digest()
