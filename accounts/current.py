"""Which of a person's organisations they are working in now: kept in the session, by id."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from rest_framework.request import Request

from accounts import owned
from accounts.memberships import NotAMember
from accounts.models import Membership
from accounts.sessions import SessionStore

if TYPE_CHECKING:
    from django.http import HttpRequest

SESSION_FIELD = "organisation_id"
_CACHE = "_antares_membership"


def membership_of(request: HttpRequest | Request) -> Membership | None:
    """
    Return the live membership that the signed-in person works under, or None.

    The first they joined, until they choose. It is looked up once per request, so
    that all of a request acts under one epoch; from then on the database shows what is theirs.
    """
    http = request._request if isinstance(request, Request) else request  # noqa: SLF001
    if not hasattr(http, _CACHE):
        setattr(http, _CACHE, _look_up(http))
    found: Membership | None = getattr(http, _CACHE)
    return found


def _read_memberships(user_id: UUID) -> list[Membership]:
    """Return a person's live memberships in open organisations, the oldest first."""
    live = Membership.objects.live().of(user_id).filter(organisation__closed_at=None)
    return list(live.select_related("organisation").order_by("joined_at", "id"))


def _find_memberships(request: HttpRequest, user_id: UUID) -> list[Membership]:
    """Return the memberships that were read with the session; else read them."""
    session = getattr(request, "session", None)
    if isinstance(session, SessionStore):
        found = session.find_memberships(user_id)
        if found is not None:
            return found
    return _read_memberships(user_id)


def _look_up(request: HttpRequest) -> Membership | None:
    if not request.user.is_authenticated:
        return None
    memberships = _find_memberships(request, request.user.id)
    session = getattr(request, "session", None)
    choice = session.get(SESSION_FIELD) if session is not None else None
    chosen = [row for row in memberships if str(row.organisation_id) == choice]
    membership = next(iter([*chosen, *memberships]), None)
    owned.enter(request.user.pk, membership.organisation_id if membership else None)
    return membership


def switch(request: HttpRequest, *, organisation_id: UUID) -> Membership:
    """
    Work in another organisation from now on.

    :raises NotAMember: if the person does not belong to it, or it does not exist
    """
    memberships = _read_memberships(request.user.id) if request.user.is_authenticated else []
    membership = next((row for row in memberships if row.organisation_id == organisation_id), None)
    if membership is None:
        raise NotAMember
    request.session[SESSION_FIELD] = str(organisation_id)
    setattr(request, _CACHE, membership)
    owned.enter(membership.user_id, organisation_id)
    return membership


def signed_in(request: HttpRequest) -> dict[str, object]:
    """Give templates `membership` and `other_memberships`, looked up only where they are shown."""

    def others() -> list[Membership]:
        mine = membership_of(request)
        if mine is None:
            return []
        memberships = _find_memberships(request, mine.user_id)
        return [other for other in memberships if other.id != mine.id]

    if not getattr(request, "user", None):
        return {}
    return {"membership": lambda: membership_of(request), "other_memberships": others}
