"""
Find the caller of a request: one statement for a session, and one for a service token. At the token
endpoint: one for the client, and one for the delegation.

Without a row owner (`accounts.row_owner`) a process sees no rows of people, so database functions
(``migrations/sql/callers.sql``) look up the hash of a token or of a session key of their own
site.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.models import (
    CLIENT_PURPOSE,
    Delegation,
    Membership,
    Organisation,
    ServiceClient,
    ServiceToken,
    User,
)
from accounts.partial_instances import make_partial_instance

#: Each site's function finds sessions of that site only.
_SESSIONS: Final = {
    "web": "SELECT * FROM find_web_session(%s, %s)",
    "staff": "SELECT * FROM find_staff_session(%s, %s)",
}
_TOKENS: Final = "SELECT * FROM find_service_token(%s, %s)"
_CLIENT_TOKENS: Final = "SELECT * FROM find_client_token(%s, %s)"
_DELEGATIONS: Final = "SELECT * FROM find_delegation(%s, %s, %s)"


class _SessionRow(NamedTuple):
    session_data: str
    password: str | None
    person_id: UUID | None
    platform_id: str | None
    email: str | None
    name: str | None
    role: str | None
    is_active: bool | None
    last_seen_at: datetime | None
    time_zone: str | None
    date_format: str | None
    membership_id: UUID | None
    organisation_id: UUID | None
    epoch: int | None
    organisation_name: str | None


class _TokenRow(NamedTuple):
    token_id: UUID
    delegation_epoch: int
    purpose: str
    expires_at: datetime
    client_id: UUID
    feature: str
    users_per_minute: int
    usual_requests_per_hour: int
    removals_due_at: datetime | None
    delegation_id: UUID
    organisation_id: UUID
    person_id: UUID
    platform_id: str
    name: str
    role: str
    is_counted: bool


class _ClientTokenRow(NamedTuple):
    token_id: UUID
    expires_at: datetime
    client_id: UUID
    client_name: str
    feature: str
    usual_requests_per_hour: int


class _ClientRow(NamedTuple):
    """Named as the columns of the table; `jwks` is the text of its JSON."""

    id: UUID
    client_id: str
    feature: str
    purposes: list[str]
    jwks: str
    redirect_uris: list[str]
    users_per_minute: int
    usual_requests_per_hour: int
    removals_due_at: datetime | None
    registered_at: datetime


_CLIENTS: Final = (
    f"SELECT {', '.join(_ClientRow._fields)} FROM accounts_serviceclient"  # noqa: S608 - our own words
    " WHERE client_id = %s AND retired_at IS NULL"
)


class DelegationRow(NamedTuple):
    """
    :param is_usable: the person is active, and a member of the open organisation
    :param is_counted: `accounts.client_usage` has counted the person for this minute
    """

    person_id: UUID
    epoch: int
    switched_off_at: datetime | None
    is_usable: bool
    is_counted: bool


class SessionCaller(NamedTuple):
    """
    The row's person is not signed: compare it with the person in the signed data.

    :param data: signed, not yet checked
    :param person: None without a person, or for a person hidden at this site
    :param memberships: live, in open organisations, the oldest first
    """

    data: str
    person: User | None
    memberships: list[Membership]


def find_session(key_hash: str, *, at: datetime) -> SessionCaller | None:
    rows = [_SessionRow._make(row) for row in _fetch_rows(_SESSIONS[settings.SITE], key_hash, at)]
    if not rows:
        return None
    first_row = rows[0]
    if first_row.person_id is None:
        return SessionCaller(first_row.session_data, None, [])
    person = make_partial_instance(
        User,
        password=first_row.password,
        id=first_row.person_id,
        platform_id=first_row.platform_id,
        email=first_row.email,
        name=first_row.name,
        role=first_row.role,
        is_active=first_row.is_active,
        last_seen_at=first_row.last_seen_at,
        time_zone=first_row.time_zone,
        date_format=first_row.date_format,
    )
    memberships = [_load_membership(row) for row in rows if row.membership_id is not None]
    return SessionCaller(first_row.session_data, person, memberships)


def find_caller_token(hashes: Sequence[bytes], *, at: datetime) -> ServiceToken | None:
    """
    Return the token with its client, delegation and person, if all are live.

    :param hashes: of one token, under the present and former secrets
    """
    rows = _fetch_rows(_TOKENS, list(hashes), at)
    if not rows:
        return None
    row = _TokenRow._make(rows[0])
    token = make_partial_instance(
        ServiceToken,
        id=row.token_id,
        client_id=row.client_id,
        delegation_id=row.delegation_id,
        delegation_epoch=row.delegation_epoch,
        purpose=row.purpose,
        expires_at=row.expires_at,
    )
    token.client = make_partial_instance(
        ServiceClient,
        id=row.client_id,
        feature=row.feature,
        users_per_minute=row.users_per_minute,
        usual_requests_per_hour=row.usual_requests_per_hour,
        removals_due_at=row.removals_due_at,
        retired_at=None,
    )
    token.delegation = make_partial_instance(
        Delegation,
        id=row.delegation_id,
        user_id=row.person_id,
        organisation_id=row.organisation_id,
        epoch=row.delegation_epoch,
        switched_off_at=None,
    )
    token.is_counted = row.is_counted
    token.delegation.user = make_partial_instance(
        User,
        id=row.person_id,
        platform_id=row.platform_id,
        name=row.name,
        role=row.role,
        is_active=True,
    )
    return token


def find_client_token(hashes: Sequence[bytes], *, at: datetime) -> ServiceToken | None:
    """
    Return a client's own token with its client, if both are live.

    :param hashes: of one token, under the present and former secrets
    """
    rows = _fetch_rows(_CLIENT_TOKENS, list(hashes), at)
    if not rows:
        return None
    row = _ClientTokenRow._make(rows[0])
    token = make_partial_instance(
        ServiceToken,
        id=row.token_id,
        client_id=row.client_id,
        delegation_id=None,
        delegation_epoch=None,
        purpose=CLIENT_PURPOSE,
        expires_at=row.expires_at,
    )
    token.client = make_partial_instance(
        ServiceClient,
        id=row.client_id,
        client_id=row.client_name,
        feature=row.feature,
        usual_requests_per_hour=row.usual_requests_per_hour,
        retired_at=None,
    )
    return token


def find_client(client_id: str) -> ServiceClient | None:
    """Return the live client with a public id."""
    rows = _fetch_rows(_CLIENTS, client_id)
    if not rows:
        return None
    row = _ClientRow._make(rows[0])
    values = row._asdict() | {"jwks": json.loads(row.jwks), "retired_at": None}
    return make_partial_instance(ServiceClient, **values)


def find_delegation(
    delegation_id: UUID, *, client: ServiceClient, at: datetime
) -> DelegationRow | None:
    """Return a delegation to the client's feature, also one that is switched off."""
    rows = _fetch_rows(_DELEGATIONS, delegation_id, client.id, at)
    return DelegationRow._make(rows[0]) if rows else None


def _load_membership(row: _SessionRow) -> Membership:
    membership = make_partial_instance(
        Membership,
        id=row.membership_id,
        user_id=row.person_id,
        organisation_id=row.organisation_id,
        epoch=row.epoch,
        left_at=None,
    )
    membership.organisation = make_partial_instance(
        Organisation, id=row.organisation_id, name=row.organisation_name, closed_at=None
    )
    return membership


def _fetch_rows(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
