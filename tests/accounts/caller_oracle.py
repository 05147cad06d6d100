"""
Who is asking, found out as before there was one statement for it: row by row, with the ORM.

It uses nothing of `accounts.sessions`, `accounts.sign_in`, `accounts.current_organisation` and
`accounts.api_tokens`, and asks as the owner of the tables, from whom no row is hidden.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.keyed_hashes import compute_keyed_hashes
from accounts.models import Delegation, Membership, Organisation, ServiceClient, ServiceToken, User
from accounts.models import Session as SessionRow


class Answer(NamedTuple):
    """What a view may know: who asks, in which organisation, under which epoch."""

    person: UUID
    organisation: UUID | None
    epoch: int | None
    has_second_factor: bool = False
    is_staff: bool = False


def ask_by_session(key: str | None, *, site: str) -> Answer | None:
    """Return who has this session cookie at this site; None: nobody."""
    data = _read_session(key, site)
    if data.get("_auth_user_backend") not in settings.AUTHENTICATION_BACKENDS:
        return None
    person = User.objects.filter(pk=data.get("_auth_user_id")).first()
    if person is None or not person.is_active or (site == "staff" and person.role == "member"):
        return None
    if not _fits_password(data.get("_auth_user_hash", ""), person):
        return None
    membership = _choose_membership(person, data.get("organisation_id"))
    methods = [method["method"] for method in data.get("account_authentication_methods", [])]
    return Answer(
        person.pk,
        membership.organisation_id if membership else None,
        membership.epoch if membership else None,
        "mfa" in methods,
        person.role != "member",
    )


def ask_by_token(text: str) -> Answer | None:
    """Return for whom this token is good; None: it is not."""
    now = timezone.now()
    token = ServiceToken.objects.filter(
        token_hash__in=compute_keyed_hashes(text, purpose="service token")
    ).first()
    if token is None or token.expires_at <= now:
        return None
    client = ServiceClient.objects.get(id=token.client_id)
    delegation = Delegation.objects.get(id=token.delegation_id)
    is_live = client.retired_at is None and delegation.switched_off_at is None
    if not is_live or delegation.epoch != token.delegation_epoch:
        return None
    memberships = [
        membership for membership in _memberships(delegation.user_id)
        if membership.organisation_id == delegation.organisation_id
    ]  # fmt: skip
    if not memberships or not User.objects.get(id=delegation.user_id).is_active:
        return None
    return Answer(delegation.user_id, delegation.organisation_id, delegation.epoch)


def _read_session(key: str | None, site: str) -> dict[str, Any]:
    if not key or len(key) < 8:
        return {}
    key_hash = hashlib.sha256(key.encode()).hexdigest()[:40]
    row = SessionRow.objects.filter(session_key=key_hash).first()
    if row is None or row.site != site or row.expire_date <= timezone.now():
        return {}
    salt = f"django.contrib.sessions.SessionStore {site} {key_hash}"
    try:
        data: dict[str, Any] = signing.loads(row.session_data, salt=salt)
    except signing.BadSignature:
        return {}
    return data


def _fits_password(session_hash: str, person: User) -> bool:
    salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    hashes = [
        salted_hmac(salt, person.password, secret=secret, algorithm="sha256").hexdigest()
        for secret in secrets
    ]
    return any(constant_time_compare(session_hash, expected) for expected in hashes)


def _choose_membership(person: User, chosen: str | None) -> Membership | None:
    memberships = _memberships(person.pk)
    same = [row for row in memberships if str(row.organisation_id) == chosen]
    return next(iter([*same, *memberships]), None)


def _memberships(person_id: UUID) -> list[Membership]:
    rows = sorted(
        (row for row in Membership.objects.all() if row.user_id == person_id),
        key=lambda row: (row.joined_at, row.id),
    )
    closed = {row.id for row in Organisation.objects.all() if row.closed_at is not None}
    return [row for row in rows if row.left_at is None and row.organisation_id not in closed]
