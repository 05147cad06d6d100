"""
Devices (by signed cookie) and networks (by expiring rows) of former sign-ins.

Neither grants access; a known origin may still try a password while unknown origins are refused.
"""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts import signed_values
from accounts.client_networks import find_network
from accounts.keyed_hashes import compute_keyed_hash, compute_keyed_hashes
from accounts.models import KnownNetwork, User

DEVICE_KNOWN_FOR: Final = timedelta(days=180)
NETWORK_KNOWN_FOR: Final = timedelta(days=60)
#: People known to one browser; of a shared machine, the latest.
MAX_PEOPLE_PER_DEVICE: Final = 5
_DEVICE: Final = "known device"
_PERSON: Final = "person of a known device"
_NETWORK: Final = "known network"


def find_known_device(request: HttpRequest, user_id: UUID) -> str | None:
    entries = _read_cookie(request)
    return next((entries[key] for key in _make_person_keys(user_id) if key in entries), None)


def find_any_device(request: HttpRequest) -> str | None:
    return next(reversed(_read_cookie(request).values()), None)


def is_known_network(request: HttpRequest, user_id: UUID, *, at: datetime) -> bool:
    hashes = compute_keyed_hashes(_make_network_key(request, user_id), purpose=_NETWORK)
    known = KnownNetwork.objects.filter(user_id=user_id, network_hash__in=hashes, expires_at__gt=at)
    return known.exists()


def remember_origin(
    request: HttpRequest, response: HttpResponse, user: User, *, at: datetime
) -> None:
    _mark_device(request, response, user.pk)
    KnownNetwork.objects.bulk_create(
        [
            KnownNetwork(
                user_id=user.pk,
                network_hash=compute_keyed_hash(
                    _make_network_key(request, user.pk), purpose=_NETWORK
                ),
                expires_at=at + NETWORK_KNOWN_FOR,
            )
        ],
        update_conflicts=True,
        unique_fields=["user", "network_hash"],
        update_fields=["expires_at"],
    )


def forget_networks(*, user_id: UUID) -> None:
    KnownNetwork.objects.filter(user_id=user_id).delete()


def forget_expired_networks(*, at: datetime) -> int:
    return KnownNetwork.objects.filter(expires_at__lte=at).delete()[0]


def _mark_device(request: HttpRequest, response: HttpResponse, user_id: UUID) -> None:
    entries = _read_cookie(request)
    keys = _make_person_keys(user_id)
    device_id = next((entries[key] for key in keys if key in entries), secrets.token_urlsafe(12))
    others = {key: value for key, value in entries.items() if key not in keys}
    latest = dict([*others.items(), (keys[0], device_id)][-MAX_PEOPLE_PER_DEVICE:])
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signed_values.sign_value(latest, purpose=_DEVICE),
        max_age=DEVICE_KNOWN_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read_cookie(request: HttpRequest) -> dict[str, str]:
    """Return the device's ids by person, the latest last; empty without a valid cookie."""
    cookie = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    try:
        entries: dict[str, str] = signed_values.read_signed_value(
            cookie, purpose=_DEVICE, max_age=DEVICE_KNOWN_FOR
        )
    except signed_values.InvalidSignedValue:
        return {}
    return entries


def _make_person_keys(user_id: UUID) -> list[str]:
    """Return the names of a person in the cookie, the current one first."""
    hashes = compute_keyed_hashes(str(user_id), purpose=_PERSON)
    return [base64.urlsafe_b64encode(value[:15]).decode() for value in hashes]


def _make_network_key(request: HttpRequest, user_id: UUID) -> str:
    return f"{user_id} {find_network(request)}"
