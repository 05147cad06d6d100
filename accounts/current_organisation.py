"""The organisation that a signed-in person works in; the session keeps its id."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from rest_framework.request import Request

from accounts import row_owner
from accounts.memberships import NotAMember
from accounts.models import Membership
from accounts.sessions import SessionStore

if TYPE_CHECKING:
    from django.http import HttpRequest

SESSION_FIELD = "organisation_id"
_CACHE = "_antares_membership"


def get_membership(request: HttpRequest | Request) -> Membership | None:
    """
    Return the live membership that the signed-in person works under, by default the oldest.

    Looked up once, so the whole request has one epoch. The person becomes the row owner.
    """
    http = request._request if isinstance(request, Request) else request  # noqa: SLF001
    if not hasattr(http, _CACHE):
        setattr(http, _CACHE, _choose_membership(http))
    membership: Membership | None = getattr(http, _CACHE)
    return membership


def _read_memberships(user_id: UUID) -> list[Membership]:
    live = Membership.objects.live().of(user_id).filter(organisation__closed_at=None)
    return list(live.select_related("organisation").order_by("joined_at", "id"))


def _find_memberships(request: HttpRequest, user_id: UUID) -> list[Membership]:
    session = getattr(request, "session", None)
    if isinstance(session, SessionStore):
        memberships = session.find_memberships(user_id)
        if memberships is not None:
            return memberships
    return _read_memberships(user_id)


def _choose_membership(request: HttpRequest) -> Membership | None:
    if not request.user.is_authenticated:
        return None
    memberships = _find_memberships(request, request.user.id)
    session = getattr(request, "session", None)
    choice = session.get(SESSION_FIELD) if session is not None else None
    chosen = [row for row in memberships if str(row.organisation_id) == choice]
    membership = next(iter([*chosen, *memberships]), None)
    row_owner.enter_person(request.user.pk, membership.organisation_id if membership else None)
    return membership


def switch_organisation(request: HttpRequest, *, organisation_id: UUID) -> Membership:
    """:raises NotAMember:"""
    memberships = _read_memberships(request.user.id) if request.user.is_authenticated else []
    membership = next((row for row in memberships if row.organisation_id == organisation_id), None)
    if membership is None:
        raise NotAMember
    request.session[SESSION_FIELD] = str(organisation_id)
    setattr(request, _CACHE, membership)
    row_owner.enter_person(membership.user_id, organisation_id)
    return membership


def add_memberships(request: HttpRequest) -> dict[str, object]:
    """Give templates `membership` and `other_memberships`, looked up on use."""

    def list_other_memberships() -> list[Membership]:
        current = get_membership(request)
        if current is None:
            return []
        memberships = _find_memberships(request, current.user_id)
        return [other for other in memberships if other.id != current.id]

    if not getattr(request, "user", None):
        return {}
    return {
        "membership": lambda: get_membership(request),
        "other_memberships": list_other_memberships,
    }
