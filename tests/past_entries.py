"""Ledger entries of earlier days, as the guard would have written them then."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.actors import ActorKind
from limited_use.ledger import entries
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient

MAIL = (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)


def make_id(at: datetime) -> UUID:
    """Return an id (UUIDv7) as of that time."""
    fraction, rest = secrets.randbits(12), secrets.randbits(62)
    milliseconds = entries.to_milliseconds(at)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | rest)


def write_use(
    subject: UUID,
    actor: UUID,
    at: datetime,
    *,
    classes=MAIL,
    outcome="permitted",
    kind=ActorKind.PERSON,
    purpose=Purpose.INBOX_DISPLAY,
    recipient=Recipient.OWNER,
    feature: str | None = "inbox",
    rule="owner-reads-own-inbox",
    missing=(),
    count: int | None = 10,
) -> None:
    """Write one request: an entry for each data class."""
    body: dict[str, Any] = {
        "event": f"use.{outcome}",
        "at": entries.to_milliseconds(at),
        "purpose": purpose,
        "recipient": recipient,
        "rule": rule,
        "missing": sorted(missing),
        "subject": entries.get_ledger_pseudonym(subject),
        "actor": entries.get_ledger_pseudonym(actor),
        "actor_kind": kind,
        "feature": feature,
        "count": count,
    }
    entries.append_ledger_entries(
        [(make_id(at), {**body, "class": data_class}) for data_class in classes]
    )


def write_sync(subject: UUID, at: datetime) -> None:
    write_use(
        subject,
        UUID(int=0),
        at,
        kind=ActorKind.SYSTEM,
        purpose=Purpose.SYNC_STORE,
        recipient=Recipient.VAULT,
        feature=None,
        rule="keep-for-own-inbox",
        count=None,
    )


def write_widget_use(subject: UUID, client: UUID, at: datetime, *, count=20) -> None:
    write_use(
        subject,
        client,
        at,
        kind=ActorKind.CLIENT,
        recipient=Recipient.PLATFORM_FEATURE,
        feature="inbox-widget",
        rule="feature-shows-own-inbox",
        count=count,
    )
