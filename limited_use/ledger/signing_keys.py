"""
Current and former public keys of ledger and receipts.

A changed key is recorded at its next use. Former keys stay published, for their signatures.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from limited_use.models import VerifierKeyPeriod
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_port import SigningKey

from . import entries
from .signed_notes import VerifierKey

# Ledger subjects of our signing keys, which have no ids.
SUBJECTS = {SigningKey.LEDGER: UUID(int=11), SigningKey.RECEIPTS: UUID(int=12)}


@dataclass(frozen=True, slots=True)
class PublishedSigningKey:
    """`until` is None while the key signs."""

    role: SigningKey
    key: VerifierKey
    since: datetime | None
    until: datetime | None


def get_current_signing_key(role: SigningKey) -> VerifierKey:
    suffix = "" if role is SigningKey.LEDGER else f"/{role}"
    return VerifierKey(settings.LEDGER_ORIGIN + suffix, get_keyring().get_public_key(role))


def record_current_key(role: SigningKey, *, at: datetime) -> VerifierKey:
    """Return the current key; record a new one, and the end of its predecessor."""
    key = get_current_signing_key(role)
    # Select by `until`, not by the latest `since`, because clocks differ.
    newest = _get_periods(role).filter(until=None).first()
    if newest is None or newest.verifier_key != str(key):
        with transaction.atomic():
            _get_periods(role).filter(until=None).update(until=at)
            VerifierKeyPeriod.objects.create(role=role, verifier_key=str(key), since=at)
    return key


def rotate_signing_key(role: SigningKey, *, at: datetime) -> tuple[VerifierKey, VerifierKey]:
    """
    Replace the signing key; return the former and the new public key.

    The former key stays published with its end, which the next signature records after a kill. A
    ledger entry under the new key records the replacement.
    """
    former = record_current_key(role, at=at)
    get_keyring().replace_signing_key(role)
    new = record_current_key(role, at=at)
    entries.record_ledger_event(
        event="signing_key.replaced",
        about=SUBJECTS[role],
        body={"role": str(role), "former": former.id.hex(), "new": new.id.hex()},
        at=at,
    )
    return former, new


def get_known_signing_keys(role: SigningKey) -> list[VerifierKey]:
    former = [
        VerifierKey.parse(text)
        for text in _get_periods(role).values_list("verifier_key", flat=True)
    ]
    return list(dict.fromkeys([get_current_signing_key(role), *former]))


def list_published_keys() -> list[PublishedSigningKey]:
    published: list[PublishedSigningKey] = []
    for role in (SigningKey.RECEIPTS, SigningKey.LEDGER):
        key = get_current_signing_key(role)
        keys_of_role = [
            PublishedSigningKey(
                role, VerifierKey.parse(period.verifier_key), period.since, period.until
            )
            for period in _get_periods(role)
        ]
        if not keys_of_role or keys_of_role[0].key != key:
            # The key has not signed yet.
            keys_of_role.insert(0, PublishedSigningKey(role, key, None, None))
        published += keys_of_role
    return published


def _get_periods(role: SigningKey) -> QuerySet[VerifierKeyPeriod]:
    periods = VerifierKeyPeriod.objects.filter(role=role)
    return periods.order_by(F("until").desc(nulls_first=True), "-since", "-id")
