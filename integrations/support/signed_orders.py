"""
Signatures of orders of staff, by which a worker knows that a staff process made them.

Whoever has only the database login of staff can write the rows, but not these signatures.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from accounts import alarms, signed_values
from integrations.models import BulkRevocation, SupportAct

_PURPOSE: Final = "order of staff"

_ACT_FIELDS: Final = (
    *("id", "agent_id", "kind", "lookup_id", "user_id", "connection_id", "integration_id"),
    *("receipt_id", "reason", "text", "ticket", "asked_at"),
)
_BULK_FIELDS: Final = (
    *("id", "agent_id", "organisation_id", "provider", "connected_from", "connected_until"),
    *("reason", "text", "ticket", "asked_at"),
)
_DECISION_FIELDS: Final = (*_BULK_FIELDS, "decided_by", "decided_at")


def sign_act(act: SupportAct) -> str:
    return _sign(act, _ACT_FIELDS)


def sign_proposal(bulk: BulkRevocation) -> str:
    return _sign(bulk, _BULK_FIELDS)


def sign_decision(bulk: BulkRevocation) -> str:
    return _sign(bulk, _DECISION_FIELDS)


def is_signed_act(act: SupportAct) -> bool:
    return _is_signed(act, _ACT_FIELDS, act.signature)


def is_signed_bulk(bulk: BulkRevocation) -> bool:
    """Return whether staff processes signed both the proposal and the decision."""
    is_signed_proposal = _is_signed(bulk, _BULK_FIELDS, bulk.signature)
    return is_signed_proposal and _is_signed(bulk, _DECISION_FIELDS, bulk.decision_signature)


def report_unsigned(order: SupportAct | BulkRevocation, *, at: datetime) -> None:
    alarms.raise_alarm(kind="support.order_unsigned", about=order.id, window="", body={}, at=at)


def _sign(order: SupportAct | BulkRevocation, fields: Sequence[str]) -> str:
    return signed_values.sign_value("", purpose=_PURPOSE, bound_to=_join(order, fields))


def _is_signed(order: SupportAct | BulkRevocation, fields: Sequence[str], signature: str) -> bool:
    try:
        signed_values.read_signed_value(signature, purpose=_PURPOSE, bound_to=_join(order, fields))
    except signed_values.InvalidSignedValue:
        return False
    return True


def _join(order: SupportAct | BulkRevocation, fields: Sequence[str]) -> str:
    # With the model, so that no signature of one kind of order fits another kind.
    values = (getattr(order, name) for name in fields)
    texts = [
        str(value.astimezone(UTC) if isinstance(value, datetime) else value) for value in values
    ]
    return "\0".join([type(order).__name__, *fields, *texts])
