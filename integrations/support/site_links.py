"""Links between the two sites, for the head of every page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from accounts.roles import Role

#: The first page of each role of staff, by its route, and what links call it.
STAFF_PAGES: Final[Mapping[str, tuple[str, str]]] = {
    Role.SUPPORT: ("Support", "support-items"),
    Role.REVIEWER: ("Review", "review"),
    Role.OPERATOR: ("Metrics", "metrics"),
}


class StaffLink(NamedTuple):
    """A link to the pages of somebody's role."""

    label: str
    url: str


def find_link(role: str) -> StaffLink | None:
    """Return the link for a role: with the address of the staff site, unless this is it."""
    if role not in STAFF_PAGES:
        return None
    label, route = STAFF_PAGES[role]
    try:
        return StaffLink(label, reverse(route))
    except NoReverseMatch:
        path = reverse(route, urlconf=settings.STAFF_URLCONF)
        return StaffLink(label, f"{settings.STAFF_URL}{path}")


def add_links(request: HttpRequest) -> dict[str, Any]:
    """
    Give templates the links between the sites (a context processor).

    `staff_link`, `public_url` (the ordinary site), and `factors_url`: where a member of staff
    changes their second factors, if that is not here.
    """
    role = getattr(getattr(request, "user", None), "role", "")
    link = find_link(role)
    is_on_staff_site = link and not settings.STAFF_CHANGE_FACTORS_HERE
    factors_url = f"{settings.STAFF_URL}{reverse('mfa_index')}" if is_on_staff_site else ""
    return {"staff_link": link, "public_url": settings.PUBLIC_URL, "factors_url": factors_url}
