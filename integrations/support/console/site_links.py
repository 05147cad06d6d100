from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from accounts.roles import Role

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Link text and route of the start page, by staff role.
STAFF_PAGES: Final[Mapping[str, tuple[StrOrPromise, str]]] = {
    Role.SUPPORT: (_("Support"), "support-console"),
    Role.REVIEWER: (_("Review"), "review"),
    Role.OPERATOR: (_("Metrics"), "metrics"),
}


class StaffLink(NamedTuple):
    label: StrOrPromise
    url: str


def find_link(role: str) -> StaffLink | None:
    """On the public site, the link has the staff site's address."""
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
    A context processor. `factors_url`: where staff change their second factors, if not on this
    site.
    """
    role = getattr(getattr(request, "user", None), "role", "")
    link = find_link(role)
    is_on_staff_site = link and not settings.STAFF_CHANGE_FACTORS_HERE
    factors_url = f"{settings.STAFF_URL}{reverse('mfa_index')}" if is_on_staff_site else ""
    return {
        "staff_link": link,
        "is_within_staff_link": link is not None and request.path.startswith(str(link.url)),
        "public_url": settings.PUBLIC_URL,
        "factors_url": factors_url,
    }
