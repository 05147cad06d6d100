"""
What administrators are asked to allow: a link each, and what came back by it.

Whoever comes back has no account here, and nothing of theirs is proven. So an answer is a hint:
it finds one row by the random state that the link had, says allowed or not, once, and changes
what that row's owner reads. The provider asks the same administrator's word again when the
owner connects, and that alone counts.
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
# Administrators take days. Counted anew from their answer.
LIFETIME: Final = timedelta(days=14)

_STATE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminConsentRequest:
    """
    Who wants to connect what.

    :param connection_id: what it is to be added to, or the one to renew
    """

    user_id: UUID
    organisation_id: UUID
    provider: str
    product: str
    connection_id: UUID | None = None


def create_request(request: AdminConsentRequest, *, at: datetime) -> str:
    """
    Record that an administrator is asked, and return the state: 256 random bits, base64url.

    A link that was made before for the same is good no more.
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
    Note what an administrator is said to have answered; return whether anybody waited for it.

    Of several that bring the same state, one is heard.
    """
    if not _STATE.fullmatch(state):
        return False
    hashed = _hash_state(state)
    owner = cross_user_lookups.find_approval_owner(state_hash=hashed)
    if owner is None:
        return False
    # Found by the state alone: from here on it is this person's.
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
    """Return what the person waits for in this organisation, or was answered, the oldest first."""
    approvals = Approval.objects.filter(user_id=user_id, organisation_id=organisation_id)
    return list(approvals.filter(expires_at__gt=at).order_by("id"))


def delete_request(*, approval_id: UUID, user_id: UUID, organisation_id: UUID) -> bool:
    """Forget one of the person's, so that its link is good no more; False if it is not theirs."""
    approvals = Approval.objects.filter(user_id=user_id, organisation_id=organisation_id)
    count, _ = approvals.filter(id=approval_id).delete()
    return bool(count)


def delete_fulfilled(*, user_id: UUID, organisation_id: UUID, provider: str, product: str) -> None:
    """Forget what was waited for, now that it is connected."""
    approvals = Approval.objects.filter(user_id=user_id, organisation_id=organisation_id)
    approvals.filter(provider=provider, product=product).delete()


def delete_expired(*, at: datetime) -> int:
    """Forget what nobody answered or came back to in time; return how many."""
    count, _ = Approval.objects.filter(expires_at__lte=at).delete()
    return count


def _hash_state(state: str) -> bytes:
    # Random enough that a plain hash tells nothing.
    return hashlib.sha256(b"approval/1\0" + state.encode()).digest()
